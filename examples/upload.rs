//! A stream that uploads: the copy goes out in parts of 5 MiB, and counts when the last one is confirmed.
//! `cargo run --example upload SOURCE FOLDER`, which is made: it stands for the object in a store.

use litecopy::{Consistency, CopyOptions, StreamTarget, quiet};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

const PART_BYTES: usize = 5 * 1024 * 1024;

/// A multi-part upload, as object stores have it. What is not completed is as if it had never been.
struct Upload {
    folder: PathBuf,
    part: Vec<u8>,
    count: usize,
}

impl Upload {
    fn begin(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir(&folder)?;
        Ok(Self { folder, part: Vec::new(), count: 0 })
    }

    fn send(&mut self) -> io::Result<()> {
        fs::write(self.folder.join(format!("part-{:05}", self.count)), &self.part)?;
        self.count += 1;
        self.part.clear();
        Ok(())
    }

    fn complete(mut self) -> io::Result<usize> {
        self.send()?;
        fs::write(self.folder.join("complete"), self.count.to_string())?;
        Ok(self.count)
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PART_BYTES - self.part.len());
        self.part.extend(bytes.iter().take(taken));
        if self.part.len() == PART_BYTES {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(source), Some(folder)) = (words.next(), words.next()) else {
        return Err("usage: upload SOURCE FOLDER".into());
    };
    let upload = Upload::begin(folder.into())?;
    // With Auto no commit waits for a slow upload: what cannot go out at once is kept in the spool folder.
    let options = CopyOptions::new().consistency(Consistency::Auto).spool_folder(std::env::temp_dir());
    let copied = options.begin(&source, StreamTarget::new(upload))?.run(quiet)?;
    // Only here is it known that all bytes of one version have been given. After an error the parts are to be thrown away.
    println!("{} bytes in {} parts", copied.report.size_bytes(), copied.output.complete()?);
    Ok(())
}
