//! On which machine this runs, and as whom.

/// What the machine is called, as far as the system tells.
pub(crate) fn name() -> String {
    #[cfg(unix)]
    return rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// The system and its release.
pub(crate) fn system() -> String {
    #[cfg(unix)]
    {
        let told = rustix::system::uname();
        let parts = [told.sysname(), told.release(), told.machine()].map(|part| part.to_string_lossy());
        parts.join(" ")
    }
    #[cfg(not(unix))]
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The number of the user that this process acts as; `None` where users have none.
pub(crate) fn user_id() -> Option<u32> {
    #[cfg(unix)]
    return Some(rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    None
}
