//! What an input says: versions of a database, how they came to be, what is damaged afterwards.

use crate::files::Files;
use crate::pages::{Rows, Shape, database};
use crate::side_files::{JournalForm, Log, journal};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use litecopy::format::ByteOrder;

const MOST_ROWS: usize = 30;
const MOST_COMMITS: usize = 4;
/// The longest value of a row: enough for a chain of some pages.
const MOST_BYTES: usize = 3000;

/// Files of a database that was written validly, and then damaged.
#[derive(Arbitrary, Clone, Debug)]
pub struct Plan {
    page_size: u8,
    reserved: u8,
    encoding: u8,
    free_pages: u8,
    rows: Vec<Change>,
    commits: Vec<Vec<Change>>,
    course: Course,
    damages: Vec<Damage>,
    repaired: bool,
}

/// How the versions after the first were written.
#[derive(Arbitrary, Clone, Debug)]
enum Course {
    /// None was.
    AtRest,
    /// Into a log, of which some commits have come to the file already.
    Log { big_endian: bool, salts: [u8; 8], checkpointed: u8, last_is_open: bool },
    /// The second one over the first, and the writer died on the way.
    Journal { nonce: u32, sector: u8, counted: bool, segment: u8, written: u8 },
}

#[derive(Arbitrary, Clone, Debug)]
enum Change {
    Put { rowid: i16, a: i64, length: u16, fill: u8 },
    Far { rowid: i64, a: u8 },
    Remove { nth: u8 },
}

#[derive(Arbitrary, Clone, Debug)]
struct Damage {
    file: u8,
    place: u32,
    what: What,
}

#[derive(Arbitrary, Clone, Debug)]
enum What {
    Byte(u8),
    Flip(u8),
    Half(u16),
    Word(u32),
    Zeros(u8),
    Copy { from: u32, length: u8 },
    Cut,
    Grow(u8),
}

/// What came of a plan.
pub struct Built {
    pub files: Files,
    /// What must be read, where nothing was damaged.
    pub expected: Option<Vec<u8>>,
}

impl Plan {
    /// Builds the files.
    pub fn build(&self) -> Built {
        let shape = Shape {
            page_bytes: 512 << (self.page_size % 4),
            reserved_bytes: if self.reserved % 4 == 0 { self.reserved % 33 } else { 0 },
            encoding: u32::from(self.encoding % 3) + 1,
            in_wal_mode: matches!(self.course, Course::Log { .. }),
        };
        let versions = self.versions(shape);
        let (mut files, expected) = self.course.run(shape, &versions);
        for damage in &self.damages {
            damage.apply(&mut files);
        }
        if self.repaired {
            files.repair();
        }
        Built { files, expected: self.damages.is_empty().then_some(expected) }
    }

    /// All versions of the database, one after the other.
    fn versions(&self, shape: Shape) -> Vec<Vec<u8>> {
        let mut rows = Rows::new();
        let commits = std::iter::once(&self.rows).chain(self.commits.iter().take(MOST_COMMITS));
        let free_pages = u32::from(self.free_pages % 20);
        commits
            .zip(1..)
            .map(|(changes, number)| {
                for change in changes.iter().take(MOST_ROWS) {
                    change.apply(&mut rows);
                }
                // As a commit may free some pages.
                database(shape, &rows, free_pages + number % 2, number)
            })
            .collect()
    }
}

impl Course {
    /// The files, and what is to be read from them.
    fn run(&self, shape: Shape, versions: &[Vec<u8>]) -> (Files, Vec<u8>) {
        let page_bytes = shape.page_bytes;
        let first = versions[0].clone();
        let second = versions.get(1).unwrap_or(&first);
        match *self {
            Self::AtRest => (Files { database: first.clone(), ..Files::default() }, first),
            Self::Log { big_endian, salts, checkpointed, last_is_open } => {
                let order = if big_endian { ByteOrder::Big } else { ByteOrder::Little };
                let mut log = Log::new(page_bytes, order, salts);
                let mut newest = 0;
                for (number, pair) in (1..).zip(versions.windows(2)) {
                    let committed = !(last_is_open && number + 1 == versions.len());
                    log.write(&pair[0], &pair[1], committed);
                    newest = if committed { number } else { newest };
                }
                let checkpointed = usize::from(checkpointed) % (newest + 1);
                let wal_index = log.wal_index(log.frames_of(checkpointed), 1);
                let database = versions[checkpointed].clone();
                let files = Files { database, wal: log.bytes, wal_index, ..Files::default() };
                (files, versions[newest].clone())
            }
            Self::Journal { nonce, sector, counted, segment, written } => {
                let form = JournalForm {
                    page_bytes,
                    sector_bytes: 512 << (sector % 4),
                    nonce,
                    counted,
                    segment_records: usize::from(segment % 8) + 1,
                };
                let journal = journal(&first, second, form);
                // Some of the new pages have come to the file, some have not.
                let mut database = second.clone();
                for (number, page) in database.chunks_exact_mut(page_bytes).enumerate() {
                    let old = first.get(number * page_bytes..(number + 1) * page_bytes);
                    if let Some(old) = old.filter(|_| (number + usize::from(written)) % 3 == 0) {
                        page.copy_from_slice(old);
                    }
                }
                (Files { database, journal, ..Files::default() }, first)
            }
        }
    }
}

impl Change {
    fn apply(&self, rows: &mut Rows) {
        match *self {
            Self::Put { rowid, a, length, fill } => {
                if rows.len() < MOST_ROWS {
                    rows.insert(rowid.into(), (a, vec![fill; usize::from(length) % MOST_BYTES]));
                }
            }
            Self::Far { rowid, a } => {
                if rows.len() < MOST_ROWS {
                    rows.insert(rowid, (a.into(), vec![a; 3]));
                }
            }
            Self::Remove { nth } => {
                let found = rows.keys().nth(usize::from(nth) % rows.len().max(1)).copied();
                found.and_then(|rowid| rows.remove(&rowid));
            }
        }
    }
}

impl Damage {
    fn apply(&self, files: &mut Files) {
        let parts = [&mut files.database, &mut files.wal, &mut files.wal_index, &mut files.journal];
        let Some(bytes) = parts.into_iter().filter(|bytes| !bytes.is_empty()).nth(usize::from(self.file % 3))
        else {
            return;
        };
        let at = self.place as usize % bytes.len();
        match self.what {
            What::Byte(byte) => put(bytes, at, &[byte]),
            What::Flip(bits) => bytes[at] ^= bits,
            What::Half(number) => put(bytes, at, &number.to_be_bytes()),
            What::Word(number) => put(bytes, at, &number.to_be_bytes()),
            What::Zeros(count) => put(bytes, at, &vec![0; count.into()]),
            What::Copy { from, length } => {
                let from = from as usize % bytes.len();
                let taken = bytes[from..bytes.len().min(from + usize::from(length))].to_vec();
                put(bytes, at, &taken);
            }
            What::Cut => bytes.truncate(at),
            What::Grow(byte) => bytes.resize(bytes.len() + usize::from(byte) * 8, byte),
        }
    }
}

fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    let end = bytes.len().min(at + new.len());
    bytes[at..end].copy_from_slice(&new[..end - at]);
}
