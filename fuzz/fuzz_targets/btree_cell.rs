//! Input: a type byte, two bytes of offset, the usable part of a page.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::overflow::chain_length;
use litecopy::format::{BtreeCell, PageKind};

fuzz_target!(|data: &[u8]| {
    let Some((&[kind, high, low], usable)) = data.split_first_chunk::<3>() else { return };
    let Some(kind) = PageKind::from_byte(kind) else { return };
    let offset = u32::from(u16::from_be_bytes([high, low]));
    let Ok(cell) = BtreeCell::parse(usable, kind, offset) else { return };
    assert!((cell.offset + cell.stored_bytes) as usize <= usable.len());
    assert_eq!(cell.left_child.is_none(), kind.is_leaf());
    assert_eq!(cell.rowid.is_some(), kind.is_table());
    if let Some(payload) = cell.payload {
        let chain = chain_length(payload.payload_bytes, payload.local.len() as u32, usable.len() as u32);
        assert_eq!(chain > 0, payload.first_overflow.is_some());
    }
});
