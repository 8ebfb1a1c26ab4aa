//! A database is taken as evidence, and the bundle checked. `cargo run --example evidence DATABASE FOLDER`

use litecopy::{AcquireOptions, verify_bundle};
use std::time::Duration;

fn main() -> Result<(), litecopy::Error> {
    let mut words = std::env::args().skip(1);
    let (Some(database), Some(folder)) = (words.next(), words.next()) else {
        eprintln!("usage: evidence DATABASE FOLDER");
        std::process::exit(2);
    };
    let options = AcquireOptions::new()
        // A writer who keeps it locked is waited for so long.
        .lock_timeout(Duration::from_secs(60))
        // In rollback mode commits wait for us no longer than this.
        .max_hold(Duration::from_secs(30));
    let acquired = options.acquire(&database, &folder, |progress| {
        eprint!("\r{} of {} bytes", progress.done_bytes, progress.total_bytes);
    })?;
    eprintln!();
    if let Some(bundle) = &acquired.manifest.bundle {
        for file in &bundle.files {
            println!("{}  {}  {} bytes", file.sha256, file.name, file.size_bytes);
        }
    }
    println!("SHA-256 of manifest.json, for your notes: {}", acquired.manifest_sha256_digits());
    // Years later, with the digits from the notes:
    let report = verify_bundle(&folder, Some(acquired.manifest_sha256))?;
    println!("{}", if report.intact { "intact" } else { "changed since" });
    Ok(())
}
