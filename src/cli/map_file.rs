//! A file that a map is written to: it appears all at once, and takes the place of nothing but an older map.

use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};

use litecopy::Error;
use tempfile::NamedTempFile;

use super::manifest_file::is_name_of;
use super::plain_file;

/// With what maps begin, and nothing else that one would not want to lose.
const BEGINNINGS: [&[u8]; 2] = [b"<!doctype html>\n<html lang=\"en\">", b"<svg xmlns="];

/// A map to be written, under a temporary name until it is complete.
pub(crate) struct MapFile {
    path: PathBuf,
    file: NamedTempFile,
    is_new: bool,
}

impl MapFile {
    /// Looks whether a map of `database` may be written to `path`.
    pub(crate) fn admit(path: &Path, database: &Path) -> Result<Self, Error> {
        let refuse = |why| {
            let refused = io::Error::new(io::ErrorKind::InvalidInput, why);
            Err(Error::from_io("write the map", path, refused))
        };
        if path.as_os_str() == "-" {
            return refuse("a map does not go to stdout: name a file (`./-` is one too)");
        }
        if is_name_of(path, database) {
            return refuse("it is the name of the database, or of a side file of it");
        }
        let is_new = match plain_file::open(path) {
            Ok(file) if begins_as_map(&file) => false,
            Ok(_) => {
                let refused = io::Error::new(io::ErrorKind::AlreadyExists, "what is there is no map");
                return Err(Error::from_io("write the map", path, refused));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(Error::from_io("look at it", path, error)),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".litecopy-map-");
        // As any file that one makes: the mask of the process takes away what others must not do.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder
            .tempfile_in(folder)
            .map_err(|error| Error::from_io("create a temporary file beside", path, error))?;
        Ok(Self { path: path.to_owned(), file, is_new })
    }

    /// Writes it, and gives it its name.
    pub(crate) fn write(
        self,
        write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<(), Error> {
        let Self { path, file, is_new } = self;
        let mut writer = BufWriter::new(file.as_file());
        let written = write(&mut writer).and_then(|()| writer.into_inner().map(drop).map_err(Into::into));
        let named = written.and_then(|()| {
            let named = if is_new { file.persist_noclobber(&path) } else { file.persist(&path) };
            named.map(drop).map_err(Into::into)
        });
        named.map_err(|error| Error::from_io("write the map", &path, error))
    }
}

fn begins_as_map(file: &File) -> bool {
    // A pipe or a device might never answer.
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut beginning = Vec::new();
    let read = file.take(64).read_to_end(&mut beginning);
    read.is_ok() && BEGINNINGS.iter().any(|map| beginning.starts_with(map))
}
