//! Sums made right again after damage, so that what the sums would hide is reached. The fuzz targets use it too.

use litecopy::format::{ByteOrder, Damage, JournalRecord, PageSize, WalChecksum};

const WAL_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// What of a journal header is used: the rest fills the sector.
const JOURNAL_HEADER_BYTES: usize = 28;

/// Gives header and frames of a log the salts and sums that they should have.
pub(crate) fn repair_log(log: &mut [u8]) {
    let Some((header, frames)) = log.split_at_mut_checked(WAL_HEADER_BYTES) else { return };
    let order = if header[3] & 1 == 1 { ByteOrder::Big } else { ByteOrder::Little };
    let mut sum = WalChecksum::SEED.extend(order, &header[..24]);
    put_words(&mut header[24..], sum.words().map(u32::to_be_bytes));
    let Some(page_size) = PageSize::new(be_u32(header, 8)) else { return };
    for frame in frames.chunks_exact_mut(FRAME_HEADER_BYTES + page_size.bytes_usize()) {
        frame[8..16].copy_from_slice(&header[16..24]);
        sum = sum.extend(order, &frame[..8]).extend(order, &frame[FRAME_HEADER_BYTES..]);
        put_words(&mut frame[16..24], sum.words().map(u32::to_be_bytes));
    }
}

/// Gives the first header of a wal-index the sum that it should have, and makes the second the same.
pub(crate) fn repair_wal_index(wal_index: &mut [u8]) {
    if wal_index.len() < 96 {
        return;
    }
    let sum = WalChecksum::SEED.extend(ByteOrder::NATIVE, &wal_index[..40]);
    put_words(&mut wal_index[40..48], sum.words().map(u32::to_ne_bytes));
    wal_index.copy_within(..48, 48);
}

/// Gives the records of a rollback journal the sums that they should have.
pub(crate) fn repair_journal(journal: &mut [u8]) {
    let mut segment = 0;
    while journal.len() >= segment + JOURNAL_HEADER_BYTES {
        let word = |at| be_u32(journal, segment + at);
        let (count, nonce, sector_bytes) = (word(8), word(12), word(20) as usize);
        let Some(page_size) = PageSize::new(word(24)) else { return };
        if !(32..=65536).contains(&sector_bytes) || !sector_bytes.is_power_of_two() {
            return;
        }
        let record_bytes = page_size.bytes_usize() + 8;
        let mut at = segment + sector_bytes;
        for _ in 0..count {
            let Some(record) = journal.get_mut(at..at + record_bytes) else { return };
            let checked = JournalRecord::parse(record, page_size).and_then(|record| record.check(nonce));
            if let Err(Damage::JournalRecordChecksum { computed, .. }) = checked {
                record[record_bytes - 4..].copy_from_slice(&computed.to_be_bytes());
            }
            at += record_bytes;
        }
        segment = at.next_multiple_of(sector_bytes);
    }
}

fn be_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn put_words(place: &mut [u8], [first, second]: [[u8; 4]; 2]) {
    place[..4].copy_from_slice(&first);
    place[4..].copy_from_slice(&second);
}
