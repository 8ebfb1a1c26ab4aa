//! A copy with a progress bar, which Enter cancels. `cargo run --example progress_bar SOURCE TARGET`

use litecopy::{Consistency, CopyOptions, ErrorKind, FileTarget};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

static CANCELLED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (Some(source), Some(target)) = (words.next(), words.next()) else {
        eprintln!("usage: progress_bar SOURCE TARGET");
        return ExitCode::from(2);
    };
    std::thread::spawn(|| {
        if matches!(std::io::stdin().read(&mut [0]), Ok(1)) {
            CANCELLED.store(true, Ordering::Relaxed);
        }
    });
    match copy(&source, &target) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::Cancelled => {
            eprintln!("\nstopped; nothing is left behind");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\n{error}");
            ExitCode::FAILURE
        }
    }
}

fn copy(source: &str, target: &str) -> litecopy::Result<()> {
    // Auto ends beside any writer, and a step of 1,000 pages is short enough for a bar that moves.
    let options = CopyOptions::new().consistency(Consistency::Auto).pages_per_step(1_000);
    let copied = options.begin(source, FileTarget::new(target))?.run(|progress| {
        draw(progress.fraction());
        // A break leaves the target as it was.
        if CANCELLED.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    println!("\n{} bytes in {:.1?}", copied.report.size_bytes(), copied.report.elapsed);
    Ok(())
}

/// Before the first page nobody knows how much there is.
fn draw(fraction: Option<f64>) {
    const WIDTH: usize = 40;
    let filled = (fraction.unwrap_or(0.0) * WIDTH as f64).round();
    let bar: String = (0..WIDTH).map(|place| if (place as f64) < filled { '#' } else { '.' }).collect();
    print!("\r[{bar}]");
    drop(std::io::stdout().flush());
}
