//! Input: the start of a log. It is also tried with its checksum repaired.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::{ByteOrder, Damage, WalChecksum, WalHeader};

fuzz_target!(|data: &[u8]| {
    let _ = WalHeader::parse(data);
    let Some(mut bytes) = data.first_chunk::<32>().copied() else { return };
    let order = if bytes[3] & 1 == 0 { ByteOrder::Little } else { ByteOrder::Big };
    let sum = WalChecksum::SEED.extend(order, &bytes[..24]);
    bytes[24..28].copy_from_slice(&sum.s1.to_be_bytes());
    bytes[28..].copy_from_slice(&sum.s2.to_be_bytes());
    match WalHeader::parse(&bytes) {
        Ok(header) => assert_eq!(header.checksum, sum),
        Err(Damage::WalMagic { .. } | Damage::WalPageSize { .. } | Damage::WalVersion { .. }) => {}
        Err(damage) => panic!("{damage}"),
    }
});
