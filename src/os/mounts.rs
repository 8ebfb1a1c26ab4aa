//! By what way a file is reached, as Linux's list of mounts tells.

use std::path::Path;

/// A way by which other files lie beside a file than where its users have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux tells"))]
pub(crate) enum Detour {
    /// The file itself is a mount point.
    SingleFileMount,
    /// It lies in a folder that an overlay is made of.
    OverlayLayer,
}

/// How the file at `path`, whose links are resolved, is reached; `None` for the usual way, and where the system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn detour(path: &Path) -> Option<Detour> {
    use std::io::Read;
    use std::os::unix::ffi::OsStrExt;
    // No file of `/proc` has a size: with room for it, it is read in as few parts as it is told in.
    let mut list = Vec::with_capacity(USUAL_LIST_BYTES);
    std::fs::File::open("/proc/self/mountinfo").ok()?.take(MOST_LIST_BYTES).read_to_end(&mut list).ok()?;
    in_list(&list, path.as_os_str().as_bytes())
}

#[cfg(target_os = "linux")]
const USUAL_LIST_BYTES: usize = 16 * 1024;
#[cfg(target_os = "linux")]
const MOST_LIST_BYTES: u64 = 64 * 1024 * 1024;

/// The same where there is no list.
#[cfg(not(target_os = "linux"))]
pub(crate) fn detour(_: &Path) -> Option<Detour> {
    None
}

/// Each line: numbers, root, mount point, options, `-`, kind, source, options of the kind (`proc_pid_mountinfo(5)`).
#[cfg(target_os = "linux")]
fn in_list(list: &[u8], path: &[u8]) -> Option<Detour> {
    for line in list.split(|&byte| byte == b'\n') {
        let mut fields = line.split(|&byte| byte == b' ');
        if fields.nth(4).map(unescaped).as_deref() == Some(path) {
            return Some(Detour::SingleFileMount);
        }
        let mut of_kind = fields.skip_while(|&field| field != b"-").skip(1);
        if of_kind.next() == Some(b"overlay") && of_kind.nth(1).is_some_and(|options| is_layer(options, path))
        {
            return Some(Detour::OverlayLayer);
        }
    }
    None
}

/// Whether the path lies below a folder that these options of an overlay name.
#[cfg(target_os = "linux")]
fn is_layer(options: &[u8], path: &[u8]) -> bool {
    options.split(|&byte| byte == b',').any(|option| {
        let layers = option.strip_prefix(b"lowerdir=").or_else(|| option.strip_prefix(b"upperdir="));
        layers.unwrap_or_default().split(|&byte| byte == b':').any(|layer| {
            let layer = unescaped(layer);
            !layer.is_empty()
                && path.strip_prefix(layer.as_slice()).is_some_and(|rest| rest.starts_with(b"/"))
        })
    })
}

/// The bytes of a field, in which blanks and backslashes are written as `\040`.
#[cfg(target_os = "linux")]
fn unescaped(field: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), field);
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..3).filter(|_| first == b'\\');
        let number = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(number.unwrap_or(first));
        rest = if number.is_some() { tail.get(3..).unwrap_or_default() } else { tail };
    }
    bytes
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounted_files_and_layers_are_told_from_the_rest() {
        let list = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            30 22 8:1 /x/app.db /data/my\\040app.db rw - ext4 /dev/sda1 rw\n\
            31 22 0:40 / /merged rw - overlay overlay rw,lowerdir=/low1:/low2,upperdir=/up,workdir=/work\n";
        let detour = |path: &str| in_list(list, path.as_bytes());
        assert_eq!(detour("/data/my app.db"), Some(Detour::SingleFileMount));
        assert_eq!(detour("/up/app.db"), Some(Detour::OverlayLayer));
        assert_eq!(detour("/low2/a/app.db"), Some(Detour::OverlayLayer));
        assert_eq!(detour("/merged/app.db"), None);
        assert_eq!(detour("/upper/app.db"), None);
        assert_eq!(detour("/data/app.db"), None);
        assert_eq!(in_list(b"\n1 2\n- overlay\n\\", b"/a"), None);
    }
}
