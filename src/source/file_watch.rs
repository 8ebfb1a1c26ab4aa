//! Whether files were changed while nothing kept anybody from it.

use crate::error::{Error, Result};
use crate::os::file_identity::{FileIdentity, FileTimes};
use crate::os::place::Place;
use crate::side_files::SideFiles;

/// The files of a database, as they were found.
#[derive(Clone, Debug)]
pub(super) struct FileWatch(Vec<(Place, Found)>);

/// Which file is there, and when it was changed; `None` for none.
type Found = Option<(FileIdentity, FileTimes)>;

impl FileWatch {
    /// Looks at the database and its side files.
    pub(super) fn over(files: &SideFiles) -> Result<Self> {
        let places = files.all().into_iter().chain([files.database()]);
        places.map(|place| Ok((place.clone(), look(place)?))).collect::<Result<_>>().map(Self)
    }

    /// Whether a change after this look would show. `earlier` was seen so long ago that the clock of the file system has
    /// moved on since.
    pub(super) fn is_settled(&self, earlier: Option<&Self>) -> bool {
        let seen = |path: &Place| earlier?.0.iter().find(|(it, _)| it == path).map(|(_, found)| *found);
        self.0.iter().all(|(place, found)| {
            found.is_none_or(|(_, times)| times.are_settled()) || seen(place) == Some(*found)
        })
    }

    /// Whether all are there still and have not been changed, or are missing still.
    pub(super) fn unchanged(&self) -> Result<bool> {
        for (place, found) in &self.0 {
            if look(place)? != *found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a wal-index is there now where none was.
pub(super) fn appeared(wal_index: &Place) -> Result<bool> {
    look(wal_index).map(|found| found.is_some())
}

fn look(place: &Place) -> Result<Found> {
    let found = place.status().map_err(Error::io("look at it", place.path()))?;
    Ok(found.map(|status| (status.identity, status.times)))
}
