//! Input: a list of locks such as `/proc/locks`, of which those on one file are read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::seams::locks_in_list;

fuzz_target!(|data: &[u8]| {
    let list = String::from_utf8_lossy(data);
    let locks = locks_in_list(&list, (0xfe, 0, 131_074));
    assert!(locks <= list.lines().count());
});
