//! Input: the payload of a cell.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::Record;

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = Record::parse(data) {
        let types = record.serial_types().count();
        let values = record.values().count();
        assert!(values <= types && types <= data.len());
    }
    let _ = Record::parse_start(data, data.len() as u64 * 3).map(|record| record.values().count());
});
