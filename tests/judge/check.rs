//! `check` is silent about every sound database, and says what SQLite says of damaged ones.

use litecopy::inspect::{CheckOptions, check};

use crate::dbstat::{every_kind, open};

#[test]
fn it_is_silent_about_every_sound_database() {
    for kind in every_kind() {
        println!("{}", kind.name);
        let made = kind.make();
        for quick in [true, false] {
            let options = CheckOptions::new().quick(quick);
            let report = open(&made.path).report(|database| check(database, &options, |_| {})).unwrap();
            assert!(report.sound, "{:?}", report.findings);
            let about_size =
                ["longer than", "a last page cut short"].iter().any(|name| kind.name.contains(name));
            assert!(report.findings.is_empty() || about_size, "{:?}", report.findings);
        }
    }
}
