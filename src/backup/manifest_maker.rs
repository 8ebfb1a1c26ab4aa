//! Makes the manifest of a copy while that is read back.

use super::page_sums::PageSums;
use crate::error::Result;
use crate::format::Shape;
use crate::halt::Halt;
use crate::manifest::Manifest;
use crate::source::ChangeStamp;
use crate::targets::Target;
use sha2::{Digest, Sha256};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::SystemTime;

/// How many runs of pages may wait to be hashed.
const CHUNKS_AHEAD: usize = 4;

/// What is known of a copy before it is read back.
#[derive(Debug, Default)]
pub(super) struct ManifestMaker {
    begun: Option<SystemTime>,
    stamp: Option<ChangeStamp>,
}

impl ManifestMaker {
    /// Notes the version that the pages are of; the first time, the copy begins.
    pub(super) fn note(&mut self, stamp: ChangeStamp) {
        self.begun.get_or_insert_with(SystemTime::now);
        self.stamp = Some(stamp);
    }

    fn manifest(&self, sums: &PageSums, shape: Shape, sha256: [u8; 32]) -> Manifest {
        let ended = SystemTime::now();
        Manifest {
            page_size: shape.page_size,
            page_sums: sums.as_slice().to_vec(),
            sha256,
            source_stamp: self.stamp.map(|stamp| stamp.to_string()).unwrap_or_default(),
            begun: self.begun.unwrap_or(ended),
            ended,
            #[cfg(feature = "evidence")]
            bundle: None,
        }
    }

    /// Compares a copy of that shape with the sums of its pages, and tells what it is.
    pub(super) fn compare(
        &self,
        sums: &mut PageSums,
        target: &mut impl Target,
        shape: Shape,
        with: (&Halt, &mut Vec<u8>),
    ) -> Result<Manifest> {
        // Hashing takes about as long as reading: it is done beside it. The buffers go around.
        let (sender, chunks) = sync_channel::<Vec<u8>>(CHUNKS_AHEAD);
        let (giver, used) = channel::<Vec<u8>>();
        let sha256 = thread::scope(|scope| {
            let hashing = scope.spawn(move || {
                let mut sha256 = Sha256::new();
                for bytes in chunks {
                    sha256.update(&bytes);
                    // Nobody needs the last ones any more.
                    let _ = giver.send(bytes);
                }
                sha256.finalize()
            });
            let compared = sums.compare(target, shape.page_count, with, |bytes| {
                let mut copy = used.try_recv().unwrap_or_default();
                copy.clear();
                copy.extend_from_slice(bytes);
                // It takes all until there are no more.
                let _ = sender.send(copy);
            });
            drop(sender);
            let sha256 = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            compared.map(|()| sha256)
        })?;
        Ok(self.manifest(sums, shape, sha256.into()))
    }
}
