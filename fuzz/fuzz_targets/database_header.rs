//! Input: the start of a database file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::DatabaseHeader;

fuzz_target!(|data: &[u8]| {
    if let Ok(header) = DatabaseHeader::parse(data) {
        assert!((480..=65536).contains(&header.usable_bytes()));
        assert_eq!(header.change_stamp_bytes(), data[24..40]);
        let _ = header.checked_page_count(header.stated_page_count / 2);
        let _ = (header.text_encoding.to_string(), header.sqlite_version.to_string());
    }
});
