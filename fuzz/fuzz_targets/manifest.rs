//! Input: the length of a manifest (little-endian, 2 bytes), the manifest, then a copy that is checked against it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::Manifest;
use litecopy::inspect::verify_copy;
use litecopy_fuzz::folder;

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<2>() else { return };
    let (text, copy) = rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()));
    let Ok(manifest) = serde_json::from_slice::<Manifest>(text) else { return };
    let written = serde_json::to_vec(&manifest).unwrap();
    assert_eq!(serde_json::from_slice::<Manifest>(&written).unwrap(), manifest);
    let path = folder::empty().join("copy.db");
    std::fs::write(&path, copy).unwrap();
    let report = verify_copy(&path, &manifest).unwrap();
    assert!(!report.unchanged || copy.len() as u64 == manifest.size_bytes());
});
