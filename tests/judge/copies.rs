//! Copies that many tests make.

use litecopy::{Copied, CopyOptions, CopyReport, MemoryTarget, Origin, Result, quiet};

/// A copy in memory, with these options.
pub(crate) fn memory_copy(options: &CopyOptions, source: impl Into<Origin>) -> Result<(Vec<u8>, CopyReport)> {
    let Copied { output, report, .. } = options.begin(source, MemoryTarget::new())?.run(quiet)?;
    Ok((output, report))
}
