//! Input: the length of a super-journal (little-endian, 2 bytes), the super-journal, then flags, four lengths, database, log,
//! wal-index and journal, whose end gets the super-journal's name. `@` in the super-journal is the folder. The journal counts where
//! SQLite says so.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::journal_header::JOURNAL_MAGIC;
use litecopy::format::lock_bytes::lock_byte_page;
use litecopy::format::{JournalHeader, PageSize};
use litecopy_fuzz::files::Files;
use litecopy_fuzz::sqlite::Verdict;
use litecopy_fuzz::{folder, image, sqlite};

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<2>() else { return };
    let (super_journal, rest) = rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()));
    let Some((_, mut files)) = Files::from_input(rest) else { return };
    let folder = folder::empty();
    let place = folder.display().to_string();
    let name = format!("{place}/a.db-super");
    let page_size = JournalHeader::parse(&files.journal).ok().and_then(|header| header.page_size);
    append_name(&mut files.journal, &name, page_size.unwrap_or(PageSize::DEFAULT));
    let path = files.write(&folder, "a.db");
    if !super_journal.is_empty() {
        let text: Vec<u8> = super_journal
            .iter()
            .flat_map(|&byte| if byte == b'@' { place.as_bytes().to_vec() } else { vec![byte] })
            .collect();
        std::fs::write(&name, text).unwrap();
    }
    let ours = image(&path);
    assert_eq!(Files::read(&folder, "a.db"), files, "the source is only read");
    if let (Ok(ours), Verdict::Image(theirs)) = (ours, sqlite::read(&path)) {
        assert!(ours == theirs, "other pages than SQLite's");
    }
});

/// The record by which a journal names its super-journal.
fn append_name(journal: &mut Vec<u8>, name: &str, page_size: PageSize) {
    journal.extend(lock_byte_page(page_size).get().to_be_bytes());
    journal.extend(name.as_bytes());
    journal.extend((name.len() as u32).to_be_bytes());
    journal.extend(name.bytes().map(u32::from).sum::<u32>().to_be_bytes());
    journal.extend(JOURNAL_MAGIC);
}
