//! The machine under the bench: what it is, and the little that is asked of it.

use std::fs;
use std::path::Path;
use std::process::Command;

/// One sentence: what the times were taken on. No name of a host or a folder is in it.
pub(crate) fn describe(folder: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut parts = vec![format!("{cores} cores")];
    parts.extend(value_after("/proc/cpuinfo", "model name"));
    let memory =
        value_after("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    parts.extend(memory.map(|kib| format!("{} GiB of memory", (kib + (1 << 19)) >> 20)));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version: Vec<&str> = kernel.split(['.', '-']).take(2).collect();
    parts.push(format!("{} {}", std::env::consts::OS, version.join(".")).trim().to_owned());
    parts.extend(file_system(folder));
    parts.push(format!("SQLite {}", rusqlite::version()));
    parts.push(format!("litecopy {}", env!("CARGO_PKG_VERSION")));
    format!("Measured on: {}.", parts.join(", "))
}

/// The value in a line `name : value`.
fn value_after(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once(':')?;
    Some(value.trim().to_owned())
}

/// The kind of file system that a folder lies on: that of the longest mount point above it.
fn file_system(folder: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let above = fields.filter_map(|fields| Some((*fields.get(1)?, *fields.get(2)?)));
    let above = above.filter(|(point, _)| folder.starts_with(point));
    above.max_by_key(|(point, _)| point.len()).map(|(_, kind)| kind.to_owned())
}

/// Waits until everything that was written is on disk.
pub(crate) fn sync() {
    if cfg!(unix) {
        assert!(Command::new("sync").status().unwrap().success(), "sync failed");
    }
}

/// Takes a file that is on disk out of the system's cache, and only it: what others have in the cache stays.
///
/// # Errors
///
/// The cache still has some of it, or the system has no way to ask.
#[cfg(target_os = "linux")]
pub(crate) fn evict(path: &Path) -> Result<(), String> {
    use rustix::fs::{Advice, fadvise};
    let file = fs::File::open(path).unwrap();
    fadvise(&file, 0, None, Advice::DontNeed).map_err(|error| error.to_string())?;
    // It is no more than an advice. Trying to read would fill the cache again.
    let said =
        Command::new("fincore").args(["--bytes", "--noheadings", "--output", "RES"]).arg(path).output();
    match said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()) {
        Ok(bytes) if bytes == "0" => Ok(()),
        Ok(bytes) => Err(format!("the system keeps `{bytes}` bytes of the file in its cache")),
        Err(error) => Err(format!("whether the file is in the cache is not known: fincore: {error}")),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn evict(_: &Path) -> Result<(), String> {
    Err("the cache can be emptied on Linux only".to_owned())
}
