//! Whose a new file is: ours, as with `cp`, or whoever the source belongs to; a replaced one stays whose it was.

use crate::error::{Error, Result};
use crate::os::rights::{NewRights, Rights};
use crate::side_files::SideFiles;

/// Whom a new copy belongs to, and who may use it. A file that is replaced keeps owner, group, mode and access control list in any
/// case, as far as the system lets us.
///
/// ```
/// use litecopy::{CopyOptions, OwnerPolicy};
///
/// let options = CopyOptions::new().owner(OwnerPolicy::Keep); // for root: the copy belongs to whom the source belongs
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnerPolicy {
    /// It belongs to whoever makes the copy, and has the permission bits of the source less the process's mask, as `cp` makes it. An
    /// access control list is kept too, where the file system keeps such; else nobody may more than the list said.
    #[default]
    Ours,
    /// It has owner, group, mode and access control list of the source, as far as the system lets us: who is not root cannot give
    /// files away.
    Keep,
}

/// The rights of the new file that `files` is to become, made from `source`. `replaces` says that it takes the place of what is there.
pub(super) fn new_rights(
    files: &SideFiles,
    replaces: bool,
    source: Option<&SideFiles>,
    policy: OwnerPolicy,
) -> Result<NewRights> {
    // Only looked at, whoever writes it.
    let of = |files: &SideFiles| {
        let place = files.database();
        Rights::of_place(place).map_err(Error::io("look at it", place.path()))
    };
    if replaces && let Some(old) = of(files)? {
        return Ok(NewRights::SameAs(old));
    }
    let source = source.map(of).transpose()?.flatten();
    Ok(match (policy, source) {
        (OwnerPolicy::Keep, Some(source)) => NewRights::SameAs(source),
        (_, source) => NewRights::Ours(source),
    })
}
