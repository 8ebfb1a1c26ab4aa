//! Keyword arguments become options of the library.

use std::time::Duration;

use litecopy::lock::LockStyle;
use litecopy::{Consistency, CopyOptions, Limit, Limits, SourceOptions};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{for_each_option, unexpected};

/// The names of the limits, in the order of the `LIMIT_` constants.
pub(crate) fn limit_names() -> Vec<&'static str> {
    Limit::ALL.iter().map(|limit| limit.name()).collect()
}

/// What a limit is where nobody sets it.
#[pyfunction]
pub(crate) fn limit_default(name: &str, untrusted: bool) -> PyResult<i64> {
    let limit: Limit = name.parse().map_err(|_| PyValueError::new_err("no such limit"))?;
    Ok(limits(untrusted).get(limit))
}

fn limits(untrusted: bool) -> Limits {
    if untrusted { Limits::untrusted() } else { Limits::new() }
}

/// Says what is wrong with options for reading, if anything.
#[pyfunction]
pub(crate) fn check_reading(options: &Bound<'_, PyDict>) -> PyResult<()> {
    Reading::default().take_all(options)
}

/// How a source is read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    lock_style: LockStyle,
    immutable: bool,
    as_of: Option<u64>,
    untrusted: bool,
    limits: Vec<(Limit, i64)>,
}

impl Reading {
    fn take_all(&mut self, options: &Bound<'_, PyDict>) -> PyResult<()> {
        for_each_option(options, |name, value| match self.take(name, value)? {
            true => Ok(()),
            false => Err(unexpected(name)),
        })
    }

    /// Takes an option if it is one for reading.
    pub(crate) fn take(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        match name {
            "lock_style" => {
                let text: String = value.extract()?;
                self.lock_style = text.parse().map_err(|error| invalid(&error))?;
            }
            "immutable" => self.immutable = value.extract()?,
            "as_of" => self.as_of = value.extract()?,
            "untrusted" => self.untrusted = value.extract()?,
            "limits" => {
                for (name, value) in value.cast::<PyDict>()?.iter() {
                    let limit = name.extract::<String>()?.parse().map_err(|error| invalid(&error))?;
                    self.limits.push((limit, value.extract()?));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(crate) fn options(&self) -> SourceOptions {
        let mut limits = limits(self.untrusted);
        for &(limit, value) in &self.limits {
            limits.set(limit, value);
        }
        SourceOptions::new()
            .limits(limits)
            .lock_style(self.lock_style)
            .immutable(self.immutable)
            .as_of(self.as_of)
    }
}

/// The options of a copy, from keyword arguments.
pub(crate) fn copy_options(options: &Bound<'_, PyDict>) -> PyResult<CopyOptions> {
    let mut made = CopyOptions::new().consistency(Consistency::Auto);
    let mut reading = Reading::default();
    for_each_option(options, |name, value| {
        if reading.take(name, value)? {
            return Ok(());
        }
        let old = std::mem::take(&mut made);
        made = match name {
            "pages" => old.pages_per_step(saturated(value)?),
            "sleep" => old.sleep(seconds(value.extract()?)?),
            "timeout" => old.lock_timeout(optional_seconds(value)?),
            "deadline" => old.deadline(optional_seconds(value)?),
            "consistency" => old.consistency(consistency(&value.extract::<String>()?)?),
            "rate" => old.rate(value.extract::<Option<u64>>()?),
            "verify" => old.verify(value.extract()?),
            "manifest" => old.manifest(value.extract()?),
            "skip_free" => old.skip_free(value.extract()?),
            "scrub" => old.scrub(value.extract()?),
            "sync" => old.sync(value.extract()?),
            "replace" => old.replace(value.extract()?),
            "in_place" => old.in_place(value.extract()?),
            "refresh" => old.refresh(value.extract()?),
            _ => return Err(unexpected(name)),
        };
        Ok(())
    })?;
    Ok(made.source(reading.options()))
}

fn consistency(name: &str) -> PyResult<Consistency> {
    match name {
        "auto" => Ok(Consistency::Auto),
        "hold" => Ok(Consistency::Hold),
        "step" => Ok(Consistency::Step),
        _ => Err(PyValueError::new_err("consistency is 'auto', 'hold' or 'step'")),
    }
}

/// Any whole number of pages; 0 is as -1.
fn saturated(value: &Bound<'_, PyAny>) -> PyResult<i32> {
    let pages: i64 = value.extract()?;
    Ok(i32::try_from(pages).unwrap_or(if pages < 0 { -1 } else { i32::MAX }))
}

pub(crate) fn optional_seconds(value: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    value.extract::<Option<f64>>()?.map(seconds).transpose()
}

fn seconds(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| invalid(&error))
}

pub(crate) fn invalid(error: &impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}
