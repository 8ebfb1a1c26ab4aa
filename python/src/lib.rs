//! The Python package of litecopy: what it needs of the library, as the module `litecopy._litecopy`.
//!
//! | file | duty |
//! |---|---|
//! | `options.rs` | keyword arguments become options |
//! | `copying.rs` | copies, with progress and Ctrl-C |
//! | `inspection.rs` | reports, as JSON texts |
//! | `errors.rs` | errors become exceptions |
//!
//! The Python side (`litecopy/*.py`) has the words and their meaning; here is only what moves bytes.

mod copying;
mod errors;
mod inspection;
mod options;

use pyo3::prelude::*;

#[pymodule]
mod _litecopy {
    #[pymodule_export]
    use super::copying::{copy, copy_set, verify};
    #[pymodule_export]
    use super::inspection::{Lines, lines, report};
    #[pymodule_export]
    use super::options::{check_reading, limit_default};

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("LIMITS", super::options::limit_names())
    }
}
