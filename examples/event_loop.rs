//! A copy that an event loop takes forward, a few pages at a time. `cargo run --example event_loop SOURCE TARGET`

use litecopy::{Backup, CopyOptions, FileTarget, StepOutcome};
use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

/// What the loop has to do; a real one would wait for sockets and timers as well.
enum Task {
    /// Something of the application's own, which must not wait for the copy.
    Tick(u32),
    Copy(Box<Backup<FileTarget>>),
}

/// How many pages are copied before others have their turn.
const PAGES: i32 = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(source), Some(target)) = (words.next(), words.next()) else {
        return Err("usage: event_loop SOURCE TARGET".into());
    };
    let backup = CopyOptions::new().begin(&source, FileTarget::new(target))?;
    let mut tasks = VecDeque::from([Task::Tick(0), Task::Copy(Box::new(backup))]);
    let give_up = Instant::now() + Duration::from_secs(60);

    while let Some(task) = tasks.pop_front() {
        match task {
            Task::Tick(count) if tasks.is_empty() => println!("{count} ticks beside the copy"),
            Task::Tick(count) => tasks.push_back(Task::Tick(count + 1)),
            Task::Copy(mut backup) => match backup.step(PAGES)? {
                StepOutcome::Done => {
                    // Only what is done can be finished; the report and the target's output come of it.
                    let copied = backup.finish()?;
                    println!("{} pages, {} restarts", copied.report.page_count, copied.report.restarts);
                }
                StepOutcome::More => tasks.push_back(Task::Copy(backup)),
                // Somebody holds a lock: it is no error, and nothing is held meanwhile. Steps know no timeout: that is the loop's.
                StepOutcome::Busy if Instant::now() > give_up => return Err("the source stays locked".into()),
                StepOutcome::Busy => {
                    thread::sleep(Duration::from_millis(10));
                    tasks.push_back(Task::Copy(backup));
                }
            },
        }
    }
    Ok(())
}
