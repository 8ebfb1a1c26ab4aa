//! The file that a manifest is kept in: it appears all at once, and takes the place of nothing but an older one.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use litecopy::{Error, Manifest};
use tempfile::NamedTempFile;

/// With what a manifest begins, and nothing else that one would not want to lose.
const BEGINNING: &[u8] = b"{\n  \"litecopy_manifest\": ";

/// With what its name begins until it is complete.
const PREFIX: &str = ".litecopy-manifest-";

/// How many random letters and digits end that name.
const RANDOM_LETTERS: usize = 6;

/// How often a name is made that somebody else takes for a left-over before it is locked.
const MOST_TRIES: u32 = 100;

/// A manifest to be written, under a temporary name until it is on the device.
pub(crate) struct ManifestFile {
    path: PathBuf,
    replace: bool,
    file: NamedTempFile,
}

impl ManifestFile {
    /// Looks whether a manifest may be written to `path`, beside a copy of `source` to `target`.
    pub(crate) fn admit(path: &Path, source: &Path, target: &Path, replace: bool) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let refused = io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
            Err(Error::from_io("write the manifest", path, refused))
        };
        if path.as_os_str() == "-" {
            return refuse(
                "a manifest does not go to stdout, where the summary goes: name a file (`./-` is one too)",
            );
        }
        if [source, target].into_iter().any(|database| is_name_of(path, database)) {
            return refuse("it is the name of source or target, or of a side file of one of them");
        }
        match open(path) {
            Ok(_) if !replace => return refuse("it is there already; another can be replaced (`--replace`)"),
            Ok(file) if !begins_as_manifest(&file) => return refuse("what is there is no manifest"),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::from_io("look at it", path, error));
            }
            _ => {}
        }
        let file = temporary(folder_of(path));
        let file = file.map_err(|error| Error::from_io("create a temporary file beside", path, error))?;
        Ok(Self { path: path.to_owned(), replace, file })
    }

    /// Writes it, and gives it its name when it is on the device.
    pub(crate) fn write(self, manifest: &Manifest) -> Result<(), Error> {
        let path = self.path.clone();
        self.try_write(manifest)
            .map_err(|error| Error::from_io("write the manifest (the copy itself is complete)", path, error))
    }

    fn try_write(self, manifest: &Manifest) -> io::Result<()> {
        let Self { path, replace, mut file } = self;
        let mut writer = BufWriter::new(file.as_file_mut());
        serde_json::to_writer_pretty(&mut writer, manifest)?;
        writer.write_all(b"\n")?;
        writer.flush()?;
        drop(writer);
        file.as_file().sync_all()?;
        if replace { file.persist(&path) } else { file.persist_noclobber(&path) }?;
        // So that the name is on the device too, where folders can be synced.
        #[cfg(unix)]
        File::open(folder_of(&path))?.sync_all()?;
        Ok(())
    }
}

/// Reads the manifest at `path`.
pub(crate) fn read(path: &Path) -> Result<Manifest, Error> {
    let cannot = |error| Error::from_io("read the manifest", path, error);
    // What is read of a file takes no more memory than thrice its size.
    let file = open(path).map_err(cannot)?;
    serde_json::from_reader(BufReader::new(file)).map_err(|error| cannot(error.into()))
}

/// Opens a file, and nothing else: a pipe would wait for its other end, and like a device could go on for ever.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file")),
    }
}

/// A temporary file in `folder`, locked as long as it is ours; what runs that were killed left is removed.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    remove_left_overs(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).rand_bytes(RANDOM_LETTERS);
    // As with any new file, the process's mask is taken off.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    for _ in 0..MOST_TRIES {
        let file = builder.tempfile_in(folder)?;
        if claim(&file)? {
            return Ok(file);
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "each temporary file was removed by somebody else"))
}

/// Locks what has just been made. `false`: somebody took it for a left-over first.
fn claim(file: &NamedTempFile) -> io::Result<bool> {
    match file.as_file().try_lock() {
        // Nobody else makes the name again, as random as it is.
        Ok(()) => file.path().try_exists(),
        Err(TryLockError::WouldBlock) => Ok(false),
        // A file system without such locks: nobody can take it for a left-over either.
        Err(TryLockError::Error(_)) => Ok(true),
    }
}

/// Removes what nobody has locked. What cannot be removed is in nobody's way.
fn remove_left_overs(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()?.filter_map(Result::ok).filter(|entry| is_temporary(&entry.file_name())) {
        // No link is followed, and the lock is held until the name is gone, so that nobody claims it meanwhile.
        if entry.file_type().is_ok_and(|found| found.is_file())
            && let Ok(file) = open(&entry.path())
            && file.try_lock().is_ok()
        {
            drop(std::fs::remove_file(entry.path()));
        }
    }
    Ok(())
}

fn is_temporary(name: &OsStr) -> bool {
    let random = name.as_encoded_bytes().strip_prefix(PREFIX.as_bytes());
    random.is_some_and(|it| it.len() == RANDOM_LETTERS && it.iter().all(u8::is_ascii_alphanumeric))
}

fn begins_as_manifest(file: &File) -> bool {
    let mut beginning = Vec::new();
    let read = file.take(BEGINNING.len() as u64).read_to_end(&mut beginning);
    read.is_ok() && beginning == BEGINNING
}

/// Whether a path leads to a database, or to where a side file of it is or would be.
pub(crate) fn is_name_of(path: &Path, database: &Path) -> bool {
    names_of(database).contains(&place(path))
}

/// Where a database is, or will be, and its side files.
fn names_of(database: &Path) -> [PathBuf; 4] {
    ["", "-journal", "-wal", "-shm"].map(|suffix| {
        let mut name = OsString::from(place(database));
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Where a path leads, links resolved; its last part need not be there.
fn place(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let folder = folder_of(path).canonicalize().unwrap_or_else(|_| folder_of(path).to_owned());
    path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
