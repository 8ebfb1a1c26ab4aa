//! Who holds locks on a database and has its files open, before anything is locked.

use crate::error::{Error, Result};
use crate::lock::lock_holders;
use crate::manifest::{BundleLock, BundleOpeners, BundleProcess, FileRole, FoundName};
use crate::os::{lock_list, openers};
use crate::side_files::SideFiles;
use std::collections::BTreeMap;
use std::path::Path;

/// Locks and open files, as of one moment.
#[derive(Default)]
pub(super) struct Surroundings {
    pub(super) locks: Vec<BundleLock>,
    pub(super) opened_by: BundleOpeners,
}

impl Surroundings {
    /// Asks the system. Nothing is locked, and nothing asked of the files themselves.
    pub(super) fn look(files: &SideFiles) -> Result<Self> {
        let holders = lock_holders(files.database().path())?;
        let locks = holders.into_iter().map(|holder| BundleLock {
            lock: holder.lock.to_owned(),
            path: holder.path.as_path().into(),
            exclusive: holder.exclusive,
            process_id: holder.process_id,
            command: holder.command.map(|command| Path::new(&command).into()),
        });
        Ok(Self { locks: locks.collect(), opened_by: opened_by(files)? })
    }
}

fn opened_by(files: &SideFiles) -> Result<BundleOpeners> {
    let places = [
        (FileRole::Database, files.database()),
        (FileRole::Journal, files.journal()),
        (FileRole::Log, files.wal()),
        (FileRole::WalIndex, files.wal_index()),
    ];
    let mut complete = true;
    let mut open = BTreeMap::<u32, Vec<FileRole>>::new();
    for (role, place) in places {
        if place.identity().map_err(Error::io("look at it", place.path()))?.is_none() {
            continue;
        }
        let list = openers::list(place).map_err(Error::io("ask who has it open", place.path()))?;
        complete &= list.complete;
        for process_id in list.process_ids {
            open.entry(process_id).or_default().push(role);
        }
    }
    let processes = open.into_iter().map(|(process_id, open)| BundleProcess {
        process_id,
        command: lock_list::command_of(process_id).map(|command| FoundName::from(Path::new(&command))),
        open,
    });
    Ok(BundleOpeners { processes: processes.collect(), complete })
}
