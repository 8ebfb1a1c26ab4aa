//! Input: the end of a journal, and a super-journal. The end is also tried with its checksum repaired.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::Damage;
use litecopy::format::super_journal::{super_journal_children, super_journal_name};

fuzz_target!(|data: &[u8]| {
    assert!(super_journal_children(data).all(|name| !name.is_empty()));
    let size = data.len() as u64;
    match super_journal_name(data, size) {
        Ok(name) => assert!(name.is_none_or(|name| name.len() <= 512 && name[0] != 0)),
        Err(Damage::SuperJournalNameChecksum { computed, .. }) => {
            let mut data = data.to_vec();
            let place = data.len() - 12;
            data[place..place + 4].copy_from_slice(&computed.to_be_bytes());
            let name = super_journal_name(&data, size);
            assert!(matches!(
                name,
                Ok(Some(_)) | Err(Damage::SuperJournalNameEmpty | Damage::SuperJournalNameForm)
            ));
        }
        Err(_) => {}
    }
});
