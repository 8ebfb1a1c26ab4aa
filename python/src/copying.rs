//! Copies, on a thread of their own, so that the caller's thread can call Python and hear of Ctrl-C meanwhile.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use litecopy::{
    CancelToken, Copied, CopyOptions, CopyReport, DatabaseSet, FileTarget, JournalMode, Manifest,
    MemoryTarget, Origin, Progress, SourceBytes, Target,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::errors::exception;
use crate::options::{copy_options, invalid};

/// How often Ctrl-C is looked for.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// One copy. `source` is `("path", path)` or `("image", bytes)`; `target` is `("path", path)`, `("memory",)` or
/// `("deserializable",)`. Gives the report, and the image if the target is memory.
#[pyfunction]
pub(crate) fn copy<'py>(
    py: Python<'py>,
    source: &Bound<'py, PyTuple>,
    target: &Bound<'py, PyTuple>,
    options: &Bound<'py, PyDict>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyDict>, Option<Bound<'py, PyBytes>>)> {
    let options = copy_options(options)?;
    let origin = origin(source)?;
    let kind: String = target.get_item(0)?.extract()?;
    match kind.as_str() {
        "path" => {
            let target = FileTarget::new(target.get_item(1)?.extract::<PathBuf>()?);
            let copied = copy_to(py, options, origin, target, progress)?;
            Ok((report_of(py, &copied.report, copied.manifest.as_ref())?, None))
        }
        "memory" | "deserializable" => {
            let target = if kind == "memory" { MemoryTarget::new() } else { MemoryTarget::for_deserialize() };
            let copied = copy_to(py, options, origin, target, progress)?;
            let report = report_of(py, &copied.report, copied.manifest.as_ref())?;
            Ok((report, Some(PyBytes::new(py, &copied.output))))
        }
        _ => Err(PyValueError::new_err("no such kind of target")),
    }
}

fn origin(source: &Bound<'_, PyTuple>) -> PyResult<Origin> {
    let what = source.get_item(1)?;
    match source.get_item(0)?.extract::<String>()?.as_str() {
        "path" => Ok(what.extract::<PathBuf>()?.into()),
        "image" => Ok(SourceBytes { database: what.extract()?, ..SourceBytes::default() }.into()),
        _ => Err(PyValueError::new_err("no such kind of source")),
    }
}

fn copy_to<T>(
    py: Python<'_>,
    options: CopyOptions,
    origin: Origin,
    target: T,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Copied<T::Output>>
where
    T: Target + Send,
    T::Output: Send,
{
    let cancel = CancelToken::new();
    let options = options.cancel(cancel.clone());
    drive(py, &cancel, progress, |caller| {
        // The last call of `progress` comes before the copy is shown: an exception leaves the target as it was.
        options.begin(origin, target)?.run(|progress| caller.ask(progress))
    })
}

/// Copies a set of files, given by name and path, the first as `main`, into a new folder. Gives the reports by name.
#[pyfunction]
pub(crate) fn copy_set<'py>(
    py: Python<'py>,
    members: Vec<(String, PathBuf)>,
    folder: PathBuf,
    options: &Bound<'py, PyDict>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = copy_options(options)?;
    let cancel = CancelToken::new();
    let options = options.cancel(cancel.clone());
    let copied = drive(py, &cancel, progress, |caller| {
        let mut members = members.into_iter();
        let (_, main) = members.next().unwrap_or_default();
        let mut set = DatabaseSet::open(main)?;
        for (name, path) in members {
            set = set.attach(&name, path)?;
        }
        options.begin_set(&set, folder)?.run(|progress| caller.ask(progress))
    })?;
    let reports = PyDict::new(py);
    for member in copied {
        reports.set_item(member.name, report_of(py, &member.report, None)?)?;
    }
    Ok(reports)
}

/// Whether a copy is what a manifest says: a report, as JSON.
#[pyfunction]
pub(crate) fn verify(py: Python<'_>, copy: PathBuf, manifest: &str) -> PyResult<String> {
    let manifest: Manifest = serde_json::from_str(manifest).map_err(|error| invalid(&error))?;
    let cancel = CancelToken::new();
    let report = drive(py, &cancel, None, |_| litecopy::inspect::verify_copy(copy, &manifest))?;
    serde_json::to_string(&report).map_err(|error| invalid(&error))
}

/// The caller's thread, seen from the thread that copies.
struct Caller {
    messages: Sender<Progress>,
    answers: Receiver<ControlFlow<()>>,
}

impl Caller {
    /// Lets the caller's thread call `progress`, and waits for what it says.
    fn ask(&mut self, progress: &Progress) -> ControlFlow<()> {
        if self.messages.send(*progress).is_err() {
            return ControlFlow::Break(());
        }
        self.answers.recv().unwrap_or(ControlFlow::Break(()))
    }
}

/// Lets `work` work on another thread, without the interpreter's lock; calls `progress` and looks for Ctrl-C on this one.
fn drive<R: Send>(
    py: Python<'_>,
    cancel: &CancelToken,
    progress: Option<Bound<'_, PyAny>>,
    work: impl FnOnce(&mut Caller) -> litecopy::Result<R> + Send,
) -> PyResult<R> {
    let (messages, inbox) = channel();
    let inbox = Mutex::new(inbox);
    let (replies, answers) = channel();
    let mut raised = None;
    let done = thread::scope(|scope| {
        let mut caller = Caller { messages, answers };
        let worker = scope.spawn(move || work(&mut caller));
        loop {
            match py.detach(|| inbox.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LOOK)) {
                Ok(said) => {
                    let called = progress.as_ref().map_or(Ok(()), |call| tell(call, &said));
                    let answer = note(called.and_then(|()| py.check_signals()), &mut raised);
                    // Fails only for a worker that has ended.
                    let _ = replies.send(answer);
                }
                Err(RecvTimeoutError::Timeout) => {
                    if note(py.check_signals(), &mut raised).is_break() {
                        cancel.cancel();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        py.detach(|| worker.join())
    });
    if let Some(raised) = raised {
        return Err(raised);
    }
    let done = done.map_err(|_| pyo3::exceptions::PyRuntimeError::new_err("the copying thread panicked"))?;
    done.map_err(|error| exception(py, &error))
}

/// Calls `progress(status, remaining, total)`.
fn tell(call: &Bound<'_, PyAny>, said: &Progress) -> PyResult<()> {
    call.call1((said.status.code(), said.remaining, said.page_count)).map(drop)
}

/// Keeps the first exception, and says to stop at it.
fn note(outcome: PyResult<()>, raised: &mut Option<PyErr>) -> ControlFlow<()> {
    if let Err(error) = outcome {
        raised.get_or_insert(error);
    }
    if raised.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// The report with the keys that the command's `--progress json` has.
fn report_of<'py>(
    py: Python<'py>,
    report: &CopyReport,
    manifest: Option<&Manifest>,
) -> PyResult<Bound<'py, PyDict>> {
    let made = PyDict::new(py);
    made.set_item("page_count", report.page_count)?;
    made.set_item("page_size", report.page_size.bytes())?;
    made.set_item("bytes", report.size_bytes())?;
    made.set_item("read_bytes", report.read_bytes)?;
    made.set_item("written_bytes", report.written_bytes)?;
    made.set_item("restarts", report.restarts)?;
    made.set_item("busy_count", report.busy_count)?;
    made.set_item("held", report.held)?;
    made.set_item("longest_lock_seconds", report.longest_lock.as_secs_f64())?;
    made.set_item("locked_seconds", report.locked.as_secs_f64())?;
    made.set_item("elapsed_seconds", report.elapsed.as_secs_f64())?;
    let mode = match report.mode {
        JournalMode::Wal => "wal",
        JournalMode::Rollback => "rollback",
    };
    made.set_item("journal_mode", mode)?;
    if let Some(manifest) = manifest {
        let text = serde_json::to_string(manifest).map_err(|error| invalid(&error))?;
        let manifest = py.import("json")?.call_method1("loads", (text,))?;
        made.set_item("manifest", manifest)?;
    }
    Ok(made)
}
