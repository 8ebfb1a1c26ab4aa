//! A backup goes into a database that the application has open. `cargo run --example restore BACKUP DATABASE`

use litecopy::{CopyOptions, FileTarget};
use std::ops::ControlFlow;
use std::time::Duration;

fn main() -> Result<(), litecopy::Error> {
    let mut words = std::env::args().skip(1);
    let (Some(backup), Some(database)) = (words.next(), words.next()) else {
        eprintln!("usage: restore BACKUP DATABASE");
        std::process::exit(2);
    };
    // With the defaults this is `litecopy::restore(backup, database)`.
    let options = CopyOptions::new()
        // By SQLite's own protocol: who has it open keeps it open, and sees the new content at the next transaction.
        .in_place(true)
        // A transaction of the application's is waited for so long.
        .lock_timeout(Duration::from_secs(10))
        .pages_per_step(1_000);
    // Stopped, failed or killed at any moment, the old content is there still, if need be after SQLite's own recovery.
    let copied = options.begin(&backup, FileTarget::new(&database))?.run(|progress| {
        println!("{} of {} pages left", progress.remaining, progress.page_count);
        ControlFlow::Continue(())
    })?;
    println!("{database} holds {} pages now", copied.report.page_count);
    Ok(())
}
