//! Errors of the library become exceptions of the package.

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The exception for an error of the library, made by `litecopy._errors.error_of`.
pub(crate) fn exception(py: Python<'_>, error: &litecopy::Error) -> PyErr {
    let made = || -> PyResult<PyErr> {
        let path = error.path().as_os_str().to_owned();
        let made = py.import("litecopy._errors")?.getattr("error_of")?.call1((
            error.kind().name(),
            error.kind().sqlite_code(),
            error.to_string(),
            path,
            error.advice(),
        ))?;
        Ok(PyErr::from_value(made))
    };
    made().unwrap_or_else(|failure| failure)
}

/// An option that there is not, as Python says it.
pub(crate) fn unexpected(name: &str) -> PyErr {
    pyo3::exceptions::PyTypeError::new_err(format!("an unexpected keyword argument '{name}'"))
}

/// Looks at each entry of a dict of options.
pub(crate) fn for_each_option<'py>(
    options: &Bound<'py, PyDict>,
    mut take: impl FnMut(&str, &Bound<'py, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    options.iter().try_for_each(|(name, value)| take(&name.extract::<String>()?, &value))
}
