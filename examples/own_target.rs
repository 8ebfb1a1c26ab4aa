//! A target of your own: a copy in parts of 64 pages each, for a store that takes no large objects, with an index that is written
//! last.
//!
//! It copies a database that another connection has open, puts the parts together again, and has SQLite check the
//! result. Run it with `cargo run --example own_target`.

use litecopy::{CopyOptions, Error, PageNumber, PageSize, Shape, Target};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

const PAGES_PER_PART: u32 = 64;

/// A folder with the files `part-0`, `part-1`, ... and `index`. Without an index it is no copy.
struct Parts {
    folder: PathBuf,
    page_size: PageSize,
    page_count: u32,
    /// The folder is ours, and not a copy yet.
    unfinished: bool,
}

impl Parts {
    fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), page_size: PageSize::DEFAULT, page_count: 0, unfinished: false }
    }

    fn part_bytes(&self) -> u64 {
        u64::from(PAGES_PER_PART) * u64::from(self.page_size.bytes())
    }

    fn path(&self, part: u64) -> PathBuf {
        self.folder.join(format!("part-{part}"))
    }

    /// The part that holds what lies at `offset` of the database, set to that place.
    fn open(&self, offset: u64) -> io::Result<File> {
        let path = self.path(offset / self.part_bytes());
        let mut part = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        part.seek(SeekFrom::Start(offset % self.part_bytes()))?;
        Ok(part)
    }

    /// Writes bytes that may reach over several parts.
    fn write(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = usize::try_from(self.part_bytes() - offset % self.part_bytes()).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.open(offset)?.write_all(now)?;
            (offset, bytes) = (offset + now.len() as u64, later);
        }
        Ok(())
    }

    /// Gives every part its size, which may be more than was written (zeros) or less, and brings it to the device.
    fn close(&self, size_bytes: u64) -> io::Result<()> {
        let count = size_bytes.div_ceil(self.part_bytes());
        for part in 0..count {
            let file = self.open(part * self.part_bytes())?;
            file.set_len(self.part_bytes().min(size_bytes - part * self.part_bytes()))?;
            file.sync_all()?;
        }
        // The source may have become smaller while it was copied.
        let mut surplus = count;
        while fs::exists(self.path(surplus))? {
            fs::remove_file(self.path(surplus))?;
            surplus += 1;
        }
        Ok(())
    }

    /// Writes the index: from now on it is a copy.
    fn write_index(&self) -> io::Result<()> {
        let temporary = self.folder.join("index.new");
        let mut index = File::create(&temporary)?;
        writeln!(index, "{} {}", self.page_size.bytes(), self.page_count)?;
        index.sync_all()?;
        fs::rename(&temporary, self.folder.join("index"))?;
        File::open(&self.folder)?.sync_all()
    }

    /// What `map_err` needs to make an error of litecopy, which names the path and what was to be done.
    fn failed(&self, operation: &'static str) -> impl FnOnce(io::Error) -> Error {
        let folder = self.folder.clone();
        move |error| Error::from_io(operation, folder, error)
    }
}

impl Target for Parts {
    /// How many parts there are.
    type Output = u32;

    fn begin(&mut self, shape: Shape) -> litecopy::Result<()> {
        if !self.unfinished {
            // A folder that is there may hold another copy.
            fs::create_dir(&self.folder).map_err(self.failed("create"))?;
            self.unfinished = true;
        }
        // It may be the second time, with another page size: then whatever was written is void.
        self.page_size = shape.page_size;
        self.close(0).map_err(self.failed("empty"))
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> litecopy::Result<()> {
        self.write(first.offset(self.page_size), pages).map_err(self.failed("write"))
    }

    fn publish(mut self, page_count: u32) -> litecopy::Result<u32> {
        self.page_count = page_count;
        let size_bytes = u64::from(page_count) * u64::from(self.page_size.bytes());
        self.close(size_bytes).map_err(self.failed("sync"))?;
        self.write_index().map_err(self.failed("write the index of"))?;
        self.unfinished = false;
        Ok(page_count.div_ceil(PAGES_PER_PART))
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.folder)
    }
}

/// A copy that is not done leaves nothing.
impl Drop for Parts {
    fn drop(&mut self) {
        if self.unfinished {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// Puts the parts together again.
fn join(folder: &Path, database: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let index = fs::read_to_string(folder.join("index"))?;
    let numbers = index.split_whitespace().map(str::parse).collect::<Result<Vec<u32>, _>>()?;
    let &[page_bytes, page_count] = &numbers[..] else { return Err("not an index".into()) };
    let mut joined = File::create_new(database)?;
    for part in 0..page_count.div_ceil(PAGES_PER_PART) {
        let mut bytes = Vec::new();
        File::open(folder.join(format!("part-{part}")))?.read_to_end(&mut bytes)?;
        joined.write_all(&bytes)?;
    }
    assert_eq!(joined.metadata()?.len(), u64::from(page_bytes) * u64::from(page_count));
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir()?;
    let [source, copy, joined] = ["app.db", "copy", "joined.db"].map(|name| place.path().join(name));

    let application = rusqlite::Connection::open(&source)?;
    application.execute_batch(
        "PRAGMA journal_mode = WAL; CREATE TABLE t(a, b);
         WITH i(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < 1000)
         INSERT INTO t SELECT n, randomblob(2000) FROM i;",
    )?;

    let options = CopyOptions::new().pages_per_step(100);
    let copied = options.begin(&source, Parts::new(&copy))?.run(|progress| {
        println!("{} of {} pages left", progress.remaining, progress.page_count);
        ControlFlow::Continue(())
    })?;
    println!("{} pages in {} parts", copied.report.page_count, copied.output);

    join(&copy, &joined)?;
    let check = rusqlite::Connection::open(&joined)?;
    let verdict: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    let rows: u32 = check.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?;
    assert_eq!((verdict.as_str(), rows), ("ok", 1000));
    println!("SQLite says {verdict}, {rows} rows");
    Ok(())
}
