//! The most memory that a process ever had resident, asked of the system while the process stands still at its end.

use std::process::Command;

/// KiB, as `VmHWM` tells it, of a process that writes to its standard output last of all.
///
/// What it writes to is full, so that it waits there with everything behind it, and can be asked at leisure. Asking again
/// and again until it is gone would miss the most of a process that lives for a millisecond.
///
/// # Errors
///
/// Why it could not be asked.
#[cfg(target_os = "linux")]
pub(crate) fn peak_kib(mut command: Command) -> Result<u32, String> {
    use std::io::{Read, Write};
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while writer.write(&[0; 1 << 16]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    let mut child = command.stdin(std::process::Stdio::null()).stdout(writer).spawn().unwrap();
    // It holds the other end of the pipe, too.
    drop(command);
    let folder = std::path::PathBuf::from(format!("/proc/{}", child.id()));
    let mut peak = Err("it was never seen to write".to_owned());
    // A process that has ended is there until it is waited for, but has no memory any more.
    while resident_kib(&folder).is_some() {
        if waits_on_stdout(&folder) {
            peak = resident_kib(&folder).ok_or_else(|| "the system does not tell it".to_owned());
            break;
        }
        std::thread::yield_now();
    }
    reader.read_to_end(&mut Vec::new()).unwrap();
    assert!(child.wait().unwrap().success(), "it failed");
    peak
}

#[cfg(target_os = "linux")]
fn resident_kib(folder: &std::path::Path) -> Option<u32> {
    let status = std::fs::read_to_string(folder.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Whether one of its threads is in a system call whose first argument is 1: the descriptor of its standard output.
#[cfg(target_os = "linux")]
fn waits_on_stdout(folder: &std::path::Path) -> bool {
    let Ok(threads) = std::fs::read_dir(folder.join("task")) else { return false };
    let calls =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("syscall")).ok());
    calls.into_iter().any(|call| call.split(' ').nth(1) == Some("0x1"))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn peak_kib(_: Command) -> Result<u32, String> {
    Err("only Linux tells a process's peak of memory".to_owned())
}
