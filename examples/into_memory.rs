//! A live database into memory, and opened there by SQLite. `cargo run --example into_memory SOURCE`

use litecopy::{CopyOptions, Limit, Limits, MemoryTarget, SourceOptions, quiet};
use rusqlite::{Connection, MAIN_DB};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = std::env::args().nth(1).ok_or("usage: into_memory SOURCE")?;

    // No more than 100 MB of the usual pages, whatever the file claims.
    let mut limits = Limits::new();
    limits.set(Limit::Pages, 25_000);
    let options = CopyOptions::new().source(SourceOptions::new().limits(limits));

    // `MemoryTarget::new()` gives the image as a file would have it; this one suits `sqlite3_deserialize`.
    let copied = options.begin(&source, MemoryTarget::for_deserialize())?.run(quiet)?;
    let image: Vec<u8> = copied.output;
    println!("{} bytes, of version {:?}", image.len(), copied.report.stamp.map(|stamp| stamp.to_string()));

    let mut connection = Connection::open_in_memory()?;
    connection.deserialize_read_exact(MAIN_DB, image.as_slice(), image.len(), true)?;
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    println!("{tables} entries in its schema");
    Ok(())
}
