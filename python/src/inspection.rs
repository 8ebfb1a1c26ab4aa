//! Reports as JSON texts, with the keys of the command's `--json`.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use litecopy::inspect::{self, CheckOptions, CommitOwners, DeletedOptions, DumpOptions, WalTimeline};
use litecopy::schema::Table;
use litecopy::{AcquireOptions, Database, PageNumber, Result, SourceOptions, verify_bundle};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;
use serde_json::json;

use crate::copying::LOOK;
use crate::errors::{exception, for_each_option, unexpected};
use crate::options::{Reading, optional_seconds};

/// How many lines are made ahead of whoever reads them.
const AHEAD: usize = 256;

/// What is asked of a verb, besides the file.
#[derive(Debug)]
struct Question {
    verb: String,
    file: PathBuf,
    reading: Reading,
    timeout: Option<Duration>,
    quick: bool,
    all: bool,
    frames: bool,
    table: Option<String>,
    lost_and_found: Option<String>,
    number: u32,
    other: Option<PathBuf>,
    versions: Option<(u64, u64)>,
    folder: Option<PathBuf>,
    max_hold: Option<Duration>,
    manifest_sha256: Option<[u8; 32]>,
}

impl Question {
    fn new(verb: &str, file: PathBuf, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut made = Self {
            verb: verb.to_owned(),
            file,
            reading: Reading::default(),
            timeout: Some(Duration::from_secs(30)),
            quick: false,
            all: false,
            frames: false,
            table: None,
            lost_and_found: DumpOptions::default().lost_and_found,
            number: 0,
            other: None,
            versions: None,
            folder: None,
            max_hold: None,
            manifest_sha256: None,
        };
        for_each_option(options, |name, value| {
            if made.reading.take(name, value)? {
                return Ok(());
            }
            match (made.verb.as_str(), name) {
                (_, "timeout") => made.timeout = optional_seconds(value)?,
                ("check", "quick") => made.quick = value.extract()?,
                ("check", "all") => made.all = value.extract()?,
                ("wal", "frames") => made.frames = value.extract()?,
                ("page", "number") => made.number = value.extract()?,
                ("diff", "other") => made.other = value.extract()?,
                ("diff", "versions") => made.versions = value.extract()?,
                ("acquire", "folder") => made.folder = value.extract()?,
                ("acquire", "max_hold") => made.max_hold = optional_seconds(value)?,
                ("verify_bundle", "manifest_sha256") => made.manifest_sha256 = value.extract()?,
                ("dump", "lost_and_found") => made.lost_and_found = value.extract()?,
                ("rows" | "deleted", "table") => made.table = value.extract()?,
                _ => return Err(unexpected(name)),
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn database(&self) -> Result<Database> {
        Database::open(self.reading.options().open(self.file.as_path())?, self.timeout)
    }

    fn report(&self) -> Result<Answer> {
        match self.verb.as_str() {
            "info" => {
                inspect::inspect_database_with(&self.file, &self.reading.options()).map(|it| answer(&it))
            }
            "locks" => inspect::inspect_locks(&self.file).map(|it| answer(&it)),
            "space" => self.database()?.report(inspect::space).map(|it| answer(&it)),
            "check" => {
                let options = CheckOptions::new().quick(self.quick).all(self.all);
                self.database()?.report(|it| inspect::check(it, &options, |_| {})).map(|it| answer(&it))
            }
            "page" => {
                let number = PageNumber::new(self.number);
                let page =
                    |database: &Database| number.map_or(Ok(None), |number| inspect::page(database, number));
                let found = self.database()?.report(page)?;
                Ok(found
                    .map_or_else(|| Err(format!("there is no page {}", self.number)), |page| answer(&page)))
            }
            "journal" => inspect::inspect_journal(&self.file, &self.reading.options()).map(|it| answer(&it)),
            "shm" => {
                let options = self.reading.options();
                inspect::inspect_shm(&self.file, &options, self.timeout).map(|it| answer(&it))
            }
            "diff" => self.diff(),
            "acquire" => self.acquire(),
            "verify_bundle" => verify_bundle(&self.file, self.manifest_sha256).map(|it| answer(&it)),
            _ => Ok(Err(format!("no such report: {}", self.verb))),
        }
    }

    fn diff(&self) -> Result<Answer> {
        let options = self.reading.options();
        let open = |path: &PathBuf, options: &SourceOptions| {
            Database::open(options.open(path.as_path())?, self.timeout)
        };
        let (before, after) = match (&self.other, self.versions) {
            (Some(other), _) => (open(&self.file, &options)?, open(other, &options)?),
            (None, Some((from, to))) => {
                (open(&self.file, &options.as_of(Some(from)))?, open(&self.file, &options.as_of(Some(to)))?)
            }
            (None, None) => return Ok(Err("a second file or versions=(N, M) are needed".to_owned())),
        };
        let report = inspect::diff(&before, &after)?;
        before.confirm()?;
        after.confirm()?;
        Ok(answer(&report))
    }

    fn acquire(&self) -> Result<Answer> {
        let Some(folder) = &self.folder else { return Ok(Err("a folder is needed".to_owned())) };
        let options = AcquireOptions::new()
            .source(self.reading.options())
            .lock_timeout(self.timeout)
            .max_hold(self.max_hold);
        let acquired = options.acquire(&self.file, folder, |_| {})?;
        Ok(answer(&json!({
            "folder": folder,
            "manifest_sha256": acquired.manifest_sha256_digits(),
            "page_size": acquired.manifest.page_size.bytes(),
            "page_count": acquired.manifest.page_sums.len(),
            "bundle": acquired.manifest.bundle,
        })))
    }

    /// Gives each line to `give`, until that says that nobody wants more.
    fn lines(&self, give: &mut dyn FnMut(Answer) -> bool) -> Result<()> {
        match self.verb.as_str() {
            "pages" => {
                let report = self.database()?.report(inspect::pages)?;
                report.iter().map(|page| answer(&page)).all(give);
            }
            "wal" => self.wal_lines(give)?,
            "rows" => self.row_lines(give)?,
            "dump" => self.dump_lines(give)?,
            "deleted" => {
                let mut options = DeletedOptions::default();
                options.table.clone_from(&self.table);
                let database = self.database()?;
                let mut on = |_| ControlFlow::Continue(());
                inspect::deleted_rows(&database, &options, &mut on, &mut |row| match give(answer(&row)) {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                })?;
            }
            _ => {
                give(Err(format!("no such list: {}", self.verb)));
            }
        }
        Ok(())
    }

    fn wal_lines(&self, give: &mut dyn FnMut(Answer) -> bool) -> Result<()> {
        let options = self.reading.options();
        let timeline = WalTimeline::open(&self.file, &options, self.timeout)?;
        // A database that cannot be walked keeps nobody from seeing its log.
        let mut owners = CommitOwners::new(&timeline, &options, self.timeout).ok();
        if !give(answer(&json!({ "header": timeline.header() }))) {
            return Ok(());
        }
        if self.frames {
            for frame in timeline.frames() {
                let mut frame = frame?;
                owners.as_mut().map_or(Ok(()), |owners| owners.name_frame(&mut frame))?;
                if !give(answer(&frame)) {
                    return Ok(());
                }
            }
        } else {
            for commit in timeline.commits() {
                let mut commit = commit?;
                owners.as_mut().map_or(Ok(()), |owners| owners.name_commit(&mut commit))?;
                if !give(answer(&commit)) {
                    return Ok(());
                }
            }
        }
        give(answer(&json!({ "end": timeline.end() })));
        Ok(())
    }

    /// The rows of one table, or of all that can be read.
    fn row_lines(&self, give: &mut dyn FnMut(Answer) -> bool) -> Result<()> {
        let database = self.database()?;
        let tables = match &self.table {
            Some(name) => vec![database.table(name)?],
            None => {
                let (schema, _) = database.schema()?;
                let has_rows = |table: &&Table| !table.is_virtual() && table.root_page.is_some();
                let tables = schema.tables.iter().skip(1).filter(has_rows);
                tables.map(|table| database.read_table(table.clone())).collect::<Result<_>>()?
            }
        };
        for table in tables {
            let mut rows = table.rows();
            while let Some(row) = rows.next_row()? {
                if !give(answer(row)) {
                    return Ok(());
                }
            }
        }
        database.confirm()
    }

    /// The statements, each behind an `s`, then the report behind an `r`.
    fn dump_lines(&self, give: &mut dyn FnMut(Answer) -> bool) -> Result<()> {
        let mut options = DumpOptions::default();
        options.lost_and_found.clone_from(&self.lost_and_found);
        options.by_statement = true;
        let mut statements = Statements { give, is_left: false };
        let report = inspect::dump(&self.database()?, &options, &mut statements, |_| {});
        if !statements.is_left {
            give(answer(&report?).map(|report| format!("r{report}")));
        }
        Ok(())
    }
}

/// Gives what is written to it, statement by statement.
struct Statements<'g> {
    give: &'g mut dyn FnMut(Answer) -> bool,
    /// Whether nobody wants more.
    is_left: bool,
}

impl Write for Statements<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let statement = String::from_utf8_lossy(bytes);
        match (self.give)(Ok(format!("s{}", statement.trim_end_matches('\n')))) {
            true => Ok(bytes.len()),
            false => {
                self.is_left = true;
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A JSON text, or why there is none.
type Answer = std::result::Result<String, String>;

fn answer(report: &impl Serialize) -> Answer {
    serde_json::to_string(report).map_err(|error| error.to_string())
}

/// One report.
#[pyfunction]
pub(crate) fn report(
    py: Python<'_>,
    verb: &str,
    file: PathBuf,
    options: &Bound<'_, PyDict>,
) -> PyResult<String> {
    let question = Question::new(verb, file, options)?;
    let answer = py.detach(|| question.report()).map_err(|error| exception(py, &error))?;
    answer.map_err(PyValueError::new_err)
}

/// A report that may be long, line by line.
#[pyfunction]
pub(crate) fn lines(verb: &str, file: PathBuf, options: &Bound<'_, PyDict>) -> PyResult<Lines> {
    let question = Question::new(verb, file, options)?;
    let (sender, receiver) = sync_channel(AHEAD);
    thread::spawn(move || send_lines(&question, &sender));
    Ok(Lines { receiver: Mutex::new(Some(receiver)) })
}

fn send_lines(question: &Question, sender: &SyncSender<Result<Answer>>) {
    // A send fails only when whoever asked has gone: then nobody wants more.
    if let Err(error) = question.lines(&mut |line| sender.send(Ok(line)).is_ok()) {
        drop(sender.send(Err(error)));
    }
}

/// An iterator over JSON texts, made by a thread of their own.
#[pyclass(frozen)]
pub(crate) struct Lines {
    /// `None` after the last line.
    receiver: Mutex<Option<Receiver<Result<Answer>>>>,
}

#[pymethods]
impl Lines {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<String>> {
        loop {
            let next = py.detach(|| {
                let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
                receiver.as_ref().map_or(Err(RecvTimeoutError::Disconnected), |it| it.recv_timeout(LOOK))
            });
            match next {
                Ok(Ok(Ok(line))) => return Ok(Some(line)),
                Ok(Ok(Err(why))) => return Err(self.end(PyRuntimeError::new_err(why))),
                Ok(Err(error)) => return Err(self.end(exception(py, &error))),
                Err(RecvTimeoutError::Timeout) => py.check_signals().map_err(|error| self.end(error))?,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

impl Lines {
    /// Nothing comes after an error.
    fn end(&self, error: PyErr) -> PyErr {
        *self.receiver.lock().unwrap_or_else(PoisonError::into_inner) = None;
        error
    }
}
