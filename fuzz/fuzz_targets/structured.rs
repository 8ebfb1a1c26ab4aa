//! Input: a plan of a database with its versions, written validly and then damaged. What was not damaged is read right; all that
//! is read agrees.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::inspect::{CheckOptions, DumpOptions, check, dump, pages, space};
use litecopy::{Database, Source};
use litecopy_fuzz::plan::{Built, Plan};
use litecopy_fuzz::{image, options, reading};

fuzz_target!(|plan: Plan| {
    let Built { files, expected } = plan.build();
    let whole = image(files.as_source());
    let in_steps = options()
        .pages_per_step(2)
        .begin(files.as_source(), litecopy::MemoryTarget::new())
        .and_then(|backup| backup.run(litecopy::quiet));
    assert_eq!(whole.as_ref().ok(), in_steps.ok().map(|copied| copied.output).as_ref());
    let opened = reading().open(files.as_source()).and_then(|source: Source| Database::open(source, None));
    if let Some(expected) = expected {
        assert!(whole.is_ok_and(|image| image == expected));
        let report = check(opened.as_ref().unwrap(), &CheckOptions::new(), |_| {}).unwrap();
        assert!(report.sound, "{:?}", report.findings);
    }
    let Ok(database) = opened else { return };
    let _ = check(&database, &CheckOptions::new(), |_| {});
    let _ = pages(&database);
    let _ = space(&database);
    let _ = dump(&database, &DumpOptions::default(), &mut std::io::sink(), |_| {});
});
