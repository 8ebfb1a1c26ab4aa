//! Options about what becomes of pages on their way.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use litecopy::{CopyOptions, Fidelity};

#[derive(Debug, Args)]
#[command(next_help_heading = "What the copy holds")]
pub(crate) struct TreatmentArguments {
    /// What the copy keeps of the header
    #[arg(long, value_enum, value_name = "HOW", default_value_t = FidelityKind::Exact, conflicts_with = "opaque")]
    fidelity: FidelityKind,

    /// Leave out free pages: they are neither read nor written, and become holes in the copy
    #[arg(long, conflicts_with = "opaque")]
    skip_free: bool,

    /// Leave nothing of deleted content in the copy: no free pages, and zeros in the unused bytes of all other pages
    #[arg(long, conflicts_with = "opaque")]
    scrub: bool,

    /// Read the copy back from the device before it appears, and compare each page with what was read from the source
    #[arg(long, conflicts_with = "no_sync")]
    verify: bool,

    /// Verify, and write FILE, with which `litecopy verify` can check the copy later
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "no_sync"])]
    pub(crate) manifest: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FidelityKind {
    /// All of it: the copy equals the source, byte for byte
    Exact,
    /// What SQLite's online backup keeps: change counter and schema cookie start again
    Api,
}

impl TreatmentArguments {
    /// The options with what follows from it.
    pub(crate) fn apply(&self, options: CopyOptions) -> CopyOptions {
        let fidelity = match self.fidelity {
            FidelityKind::Exact => Fidelity::Exact,
            FidelityKind::Api => Fidelity::Api,
        };
        let options = options.fidelity(fidelity).skip_free(self.skip_free).scrub(self.scrub);
        options.verify(self.verify || self.manifest.is_some()).manifest(self.manifest.is_some())
    }

    /// Whether the copy is read back.
    pub(crate) fn reads_back(&self) -> bool {
        self.verify || self.manifest.is_some()
    }
}
