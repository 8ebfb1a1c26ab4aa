//! Input: a byte that is 1 for page 1, a byte of reserved bytes, a page (filled up with zeros).
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::btree_space::check_space;
use litecopy::format::{BtreePage, PageNumber, PageSize, Record};

fuzz_target!(|data: &[u8]| {
    let Some((&[first, reserved], page)) = data.split_first_chunk::<2>() else { return };
    let Some(size) = PageSize::ALL.iter().copied().find(|size| size.bytes_usize() >= page.len()) else { return };
    let mut page = page.to_vec();
    page.resize(size.bytes_usize(), 0);
    let usable = size.bytes() - u32::from(reserved);
    let number = if first == 1 { PageNumber::FIRST } else { PageNumber::FIRST.next().unwrap() };
    let Ok(page) = BtreePage::parse(&page, number, usable) else { return };
    for cell in page.cells().flatten() {
        assert!(cell.offset + cell.stored_bytes <= usable);
        if let Some(payload) = cell.payload {
            assert!(payload.local.len() <= payload.payload_bytes as usize);
            if let Ok(record) = Record::parse_start(payload.local, u64::from(payload.payload_bytes)) {
                assert!(record.values().count() <= payload.local.len());
            }
        }
    }
    assert!(page.freeblocks().count() as u32 <= usable / 8 + 1);
    if let Ok(space) = check_space(&page) {
        assert_eq!(space.free_bytes() + space.cell_bytes + page.pointers_end(), usable);
    }
});
