//! Input: a byte of reserved bytes, four bytes of page number, four of the lock-byte page, a page of the map
//! (filled up with zeros).
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::{PageNumber, PageSize, PointerMap};

fuzz_target!(|data: &[u8]| {
    let Some((&reserved, rest)) = data.split_first() else { return };
    let Some((&number, rest)) = rest.split_first_chunk::<4>() else { return };
    let Some((&lock, page)) = rest.split_first_chunk::<4>() else { return };
    let Some(number) = PageNumber::new(u32::from_be_bytes(number)) else { return };
    let Some(lock) = PageNumber::new(u32::from_be_bytes(lock)) else { return };
    let Some(size) = PageSize::ALL.iter().copied().find(|size| size.bytes_usize() >= page.len()) else { return };
    let mut page = page.to_vec();
    page.resize(size.bytes_usize(), 0);
    let usable = size.bytes() - u32::from(reserved);
    let map = PointerMap::new(usable, lock);
    if let Some(offset) = map.entry_offset(number) {
        assert!(offset + 5 <= usable);
        assert!(!map.is_map_page(number));
    }
    let _ = map.entry(&page, number);
});
