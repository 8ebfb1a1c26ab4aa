//! A file system that clones files, made in an image and mounted for as long as a case needs it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Mounted {
    pub(crate) kind: &'static str,
    point: PathBuf,
}

/// Those that clone, each with the option that makes them so, where it is not a matter of course.
const KINDS: [(&str, &[&str]); 2] = [("btrfs", &[]), ("xfs", &["-m", "reflink=1"])];

impl Mounted {
    /// One with room for so many bytes, under `folder`.
    ///
    /// # Errors
    ///
    /// For each kind, why there is none.
    pub(crate) fn with_room(folder: &Path, bytes: u64) -> Result<Self, String> {
        let mut reasons = Vec::new();
        for (kind, options) in KINDS {
            match Self::of_kind(kind, options, folder, bytes) {
                Ok(mounted) => return Ok(mounted),
                Err(reason) => reasons.push(format!("{kind}: {reason}")),
            }
        }
        Err(reasons.join("; "))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.point
    }

    fn of_kind(kind: &'static str, options: &[&str], folder: &Path, bytes: u64) -> Result<Self, String> {
        let (image, point) = (folder.join("clones.img"), folder.join("clones"));
        // What neither of them can do with less.
        const OWN_BYTES: u64 = 512 << 20;
        File::create(&image).and_then(|image| image.set_len(bytes + OWN_BYTES)).unwrap();
        done(Command::new(format!("mkfs.{kind}")).args(options).arg(&image))?;
        fs::create_dir_all(&point).unwrap();
        done(Command::new("mount").args(["-t", kind, "-o", "loop"]).args([&image, &point]))?;
        Ok(Self { kind, point })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(reason) = done(Command::new("umount").arg(&self.point)) {
            eprintln!("{}: stays mounted: {reason}", self.point.display());
        }
    }
}

/// Runs to a good end, or says why not.
fn done(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Err(error) => Err(format!("{name}: {error}")),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            // Only what went wrong, not where: the folder's name is nobody's business.
            let why =
                said.trim().lines().next_back().and_then(|line| line.rsplit(": ").next()).unwrap_or_default();
            Err(format!("{name}: {why}"))
        }
    }
}
