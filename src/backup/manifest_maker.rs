//! Makes the manifest of a copy while that is read back.

use super::page_sums::PageSums;
use crate::error::Result;
use crate::format::Shape;
use crate::manifest::Manifest;
use crate::source::ChangeStamp;
use crate::target::Target;
use sha2::{Digest, Sha256};
use std::time::SystemTime;

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

    /// Compares a copy of that shape with the sums of its pages, and tells what it is.
    pub(super) fn compare(
        &self,
        sums: &mut PageSums,
        target: &mut impl Target,
        shape: Shape,
        buffer: &mut Vec<u8>,
    ) -> Result<Manifest> {
        let mut sha256 = Sha256::new();
        sums.compare(target, shape.page_count, buffer, |bytes| sha256.update(bytes))?;
        let ended = SystemTime::now();
        Ok(Manifest {
            page_size: shape.page_size,
            page_sums: sums.as_slice().to_vec(),
            sha256: sha256.finalize().into(),
            source_stamp: self.stamp.map(|stamp| stamp.to_string()).unwrap_or_default(),
            begun: self.begun.unwrap_or(ended),
            ended,
        })
    }
}
