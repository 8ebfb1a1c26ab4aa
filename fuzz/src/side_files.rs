//! Valid logs, wal-indexes and journals that lead from one version of a database to the next.

use litecopy::format::journal_header::JOURNAL_MAGIC;
use litecopy::format::{ByteOrder, WalChecksum};

/// The entries of the first hash block, and the slots of its table.
const FIRST_BLOCK_FRAMES: usize = 4062;
const HASH_SLOTS: usize = 8192;
const WAL_INDEX_BYTES: usize = 32768;

/// A log, and what a wal-index needs to know of it.
pub struct Log {
    pub bytes: Vec<u8>,
    page_bytes: usize,
    order: ByteOrder,
    salts: [u8; 8],
    sum: WalChecksum,
    /// The page of each frame.
    pages: Vec<u32>,
    /// The last frame of each commit, the page count after it, and the sum there.
    commits: Vec<(usize, u32, WalChecksum)>,
}

impl Log {
    pub fn new(page_bytes: usize, order: ByteOrder, salts: [u8; 8]) -> Self {
        let magic = 0x377f_0682 | u32::from(order == ByteOrder::Big);
        let mut bytes: Vec<u8> =
            [magic, 3_007_000, page_bytes as u32, 0].into_iter().flat_map(u32::to_be_bytes).collect();
        bytes.extend(salts);
        let sum = WalChecksum::SEED.extend(order, &bytes);
        bytes.extend(sum.words().into_iter().flat_map(u32::to_be_bytes));
        Self { bytes, page_bytes, order, salts, sum, pages: Vec::new(), commits: Vec::new() }
    }

    /// Writes the pages that differ; they count when they are committed.
    pub fn write(&mut self, before: &[u8], after: &[u8], committed: bool) {
        let page_count = (after.len() / self.page_bytes) as u32;
        let changed = differing(before, after, self.page_bytes);
        for (place, &number) in changed.iter().enumerate() {
            let is_last = committed && place + 1 == changed.len();
            let image = page(after, number, self.page_bytes);
            let commit = if is_last { page_count } else { 0 };
            let start: Vec<u8> = [number, commit].into_iter().flat_map(u32::to_be_bytes).collect();
            self.sum = self.sum.extend(self.order, &start).extend(self.order, image);
            self.bytes.extend(start);
            self.bytes.extend(self.salts);
            self.bytes.extend(self.sum.words().into_iter().flat_map(u32::to_be_bytes));
            self.bytes.extend(image);
            self.pages.push(number);
        }
        if committed && !changed.is_empty() {
            self.commits.push((self.pages.len(), page_count, self.sum));
        }
    }

    /// How many frames there are up to the commit of that number.
    pub fn frames_of(&self, commits: usize) -> u32 {
        commits.checked_sub(1).and_then(|last| self.commits.get(last)).map_or(0, |commit| commit.0 as u32)
    }

    pub fn commit_count(&self) -> usize {
        self.commits.len()
    }

    /// The wal-index as a connection keeps it, with so many frames in the database file already.
    pub fn wal_index(&self, backfilled: u32, change_counter: u32) -> Vec<u8> {
        let &(last, page_count, sum) = self.commits.last().unwrap_or(&(0, 0, WalChecksum::SEED));
        let mut header = Vec::new();
        for word in [3_007_000_u32, 0, change_counter] {
            header.extend(word.to_ne_bytes());
        }
        header.extend([1, u8::from(self.order == ByteOrder::Big)]);
        header.extend((self.page_bytes as u16).to_ne_bytes());
        let words = [last as u32, page_count, sum.s1, sum.s2];
        header.extend(words.into_iter().flat_map(u32::to_ne_bytes));
        header.extend(self.salts);
        let sum = WalChecksum::SEED.extend(ByteOrder::NATIVE, &header);
        header.extend(sum.words().into_iter().flat_map(u32::to_ne_bytes));
        let mut index = [header.as_slice(), &header].concat();
        let unused = u32::MAX;
        let marks = [backfilled, 0, last as u32, unused, unused, unused];
        index.extend(marks.into_iter().flat_map(u32::to_ne_bytes));
        index.resize(128, 0);
        index.extend(backfilled.to_ne_bytes());
        index.resize(WAL_INDEX_BYTES, 0);
        for (place, &page) in self.pages.iter().take(last.min(FIRST_BLOCK_FRAMES)).enumerate() {
            index[136 + 4 * place..140 + 4 * place].copy_from_slice(&page.to_ne_bytes());
            let mut slot = page.wrapping_mul(383) as usize % HASH_SLOTS;
            while index[16384 + 2 * slot..][..2] != [0, 0] {
                slot = (slot + 1) % HASH_SLOTS;
            }
            index[16384 + 2 * slot..][..2].copy_from_slice(&(place as u16 + 1).to_ne_bytes());
        }
        index
    }
}

/// How a journal is written.
#[derive(Clone, Copy)]
pub struct JournalForm {
    pub page_bytes: usize,
    pub sector_bytes: usize,
    pub nonce: u32,
    /// Whether the headers tell how many records there are; else they leave it to the file's size.
    pub counted: bool,
    /// How many records a segment has at most.
    pub segment_records: usize,
}

/// The journal that leads back from `after` to `before`.
pub fn journal(before: &[u8], after: &[u8], form: JournalForm) -> Vec<u8> {
    let page_count = before.len() / form.page_bytes;
    let mut changed = differing(after, before, form.page_bytes);
    if changed.is_empty() {
        changed.push(1);
    }
    let mut journal = Vec::new();
    let segments: Vec<&[u32]> = if form.counted {
        changed.chunks(form.segment_records).collect()
    } else {
        vec![&changed]
    };
    for pages in segments {
        journal.resize(journal.len().next_multiple_of(form.sector_bytes), 0);
        let begin = journal.len();
        journal.extend(JOURNAL_MAGIC);
        let count = if form.counted { pages.len() as u32 } else { u32::MAX };
        let words =
            [count, form.nonce, page_count as u32, form.sector_bytes as u32, form.page_bytes as u32];
        journal.extend(words.into_iter().flat_map(u32::to_be_bytes));
        journal.resize(begin + form.sector_bytes, 0);
        for &number in pages {
            journal.extend(number.to_be_bytes());
            journal.extend(page(before, number, form.page_bytes));
            // The sum is made right by whoever repairs.
            journal.extend([0; 4]);
        }
    }
    crate::repair::repair_journal(&mut journal);
    journal
}

/// The pages of `after` that are not so in `before`.
fn differing(before: &[u8], after: &[u8], page_bytes: usize) -> Vec<u32> {
    let count = after.len() / page_bytes;
    let same = |number| {
        let at = (number as usize - 1) * page_bytes;
        before.get(at..at + page_bytes) == after.get(at..at + page_bytes)
    };
    (1..=count as u32).filter(|&number| !same(number)).collect()
}

fn page(database: &[u8], number: u32, page_bytes: usize) -> &[u8] {
    let start = (number as usize - 1) * page_bytes;
    &database[start..start + page_bytes]
}
