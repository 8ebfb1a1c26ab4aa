//! Input: a byte of reserved bytes, a trunk page (filled up with zeros).
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::{FreelistTrunk, PageSize};

fuzz_target!(|data: &[u8]| {
    let Some((&reserved, page)) = data.split_first() else { return };
    let Some(size) = PageSize::ALL.iter().copied().find(|size| size.bytes_usize() >= page.len()) else { return };
    let mut page = page.to_vec();
    page.resize(size.bytes_usize(), 0);
    if let Ok(trunk) = FreelistTrunk::parse(&page, size.bytes() - u32::from(reserved)) {
        assert_eq!(trunk.leaves().count(), trunk.leaf_count as usize);
    }
});
