//! Sees to it that no target is the source, or a side file of it, under whatever name (C9).

use crate::error::{Error, Problem, Result};
use crate::os::place::Place;
use crate::side_files::SideFiles;
use std::path::Path;

/// Refuses a target that is the `source` or would be a side file of it, or of which the source would be one. `path` is
/// the target as the caller named it, `target` where that leads. Gives whether anything lies there or under the names of its side files.
///
/// They are told apart by what the files are; by names only where no file is yet.
pub(super) fn refuse_the_source(path: &Path, target: &SideFiles, source: &SideFiles) -> Result<bool> {
    let identity =
        |place: &Place| place.identity().map_err(|error| Error::io("look at it", place.path())(error));
    let source_path = || source.database().path().to_owned();
    let found = identity(target.database())?;
    if found.is_some() && found == identity(source.database())? {
        return Err(Error::new(path, Problem::SameFile { source_path: source_path() }));
    }
    for side_file in source.all() {
        if side_file == target.database() || (found.is_some() && found == identity(side_file)?) {
            return Err(Error::new(path, Problem::TargetIsSideFile { source_path: source_path() }));
        }
    }
    let source_place = source.database();
    let source_identity = identity(source_place)?;
    let mut is_there = found.is_some();
    for side_file in target.all() {
        let found = identity(side_file)?;
        // It would be applied to the copy, or removed.
        if side_file == source_place || (found.is_some() && found == source_identity) {
            return Err(Error::new(path, Problem::SourceIsSideFile { source_path: source_path() }));
        }
        is_there |= found.is_some();
    }
    Ok(is_there)
}
