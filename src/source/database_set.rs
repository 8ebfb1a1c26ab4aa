//! Databases under the names by which one connection would know them: main, and those attached to it.

use super::source_database::Source;
use crate::error::{Error, Problem, Result};
use crate::os::file_identity::FileIdentity;
use std::path::{Path, PathBuf};

/// The name of the database that a set is opened with.
const MAIN: &str = "main";

/// What SQLite keeps for the tables of one connection alone.
const TEMP: &str = "temp";

/// Databases that belong together: `main`, and others attached to it by name, as with SQLite's `ATTACH`.
///
/// Names are compared as SQLite compares them: the ASCII letters in either case. What a set is for:
/// [`member`](Self::member) picks one of it by its name, and [`CopyOptions::copy_set`](crate::CopyOptions::copy_set)
/// copies all of it as of one instant.
///
/// # Examples
///
/// ```no_run
/// let set = litecopy::DatabaseSet::open("app.db")?.attach("logs", "logs.db")?;
/// litecopy::CopyOptions::new().copy_set(&set, "backup")?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a set does nothing by itself"]
pub struct DatabaseSet {
    members: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    name: String,
    /// As the caller named it.
    path: PathBuf,
    identity: Option<FileIdentity>,
}

/// One database of a [`DatabaseSet`].
#[derive(Clone, Copy, Debug)]
pub struct SetMember<'s> {
    name: &'s str,
    path: &'s Path,
}

impl<'s> SetMember<'s> {
    /// Its name in the set.
    #[must_use]
    pub fn name(&self) -> &'s str {
        self.name
    }

    /// Its path, as the caller gave it.
    #[must_use]
    pub fn path(&self) -> &'s Path {
        self.path
    }
}

impl DatabaseSet {
    /// A set of one: the database at `path`, which is `main` in it.
    ///
    /// # Errors
    ///
    /// As [`Source::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let mut set = Self { members: Vec::new() };
        set.add(MAIN, path.as_ref())?;
        Ok(set)
    }

    /// The same set, and the database at `path` under `name`.
    ///
    /// # Errors
    ///
    /// As [`Source::open`], and [`AlreadyInSet`](crate::ErrorKind::AlreadyInSet) for a name that is taken (`main` and
    /// `temp` always are) and for a file that is in the set under another name.
    pub fn attach(mut self, name: impl AsRef<str>, path: impl AsRef<Path>) -> Result<Self> {
        let (name, path) = (name.as_ref(), path.as_ref());
        if is(TEMP, name) || self.find(name).is_some() {
            return Err(Error::new(path, Problem::NameTaken { name: name.to_owned() }));
        }
        self.add(name, path)?;
        Ok(self)
    }

    /// The names, `main` first, then in the order of attaching.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The database called `name`, to be copied alone.
    ///
    /// # Errors
    ///
    /// [`UnknownName`](crate::ErrorKind::UnknownName): also for `temp`, which no other process can read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let set = litecopy::DatabaseSet::open("app.db")?.attach("logs", "logs.db")?;
    /// litecopy::copy_database(set.member("logs")?, "logs-backup.db")?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn member(&self, name: &str) -> Result<SetMember<'_>> {
        let problem = match self.find(name) {
            Some(Member { name, path, .. }) => return Ok(SetMember { name, path }),
            None if is(TEMP, name) => Problem::Temp,
            None => {
                let names = self.names().collect::<Vec<_>>().join(", ");
                Problem::UnknownName { name: name.to_owned(), names }
            }
        };
        let main = self.members.first().map_or(Path::new(MAIN), |main| &main.path);
        Err(Error::new(main, problem))
    }

    /// All of them, `main` first.
    pub(crate) fn members(&self) -> impl Iterator<Item = SetMember<'_>> {
        self.members.iter().map(|Member { name, path, .. }| SetMember { name, path })
    }

    fn find(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| is(&member.name, name))
    }

    fn add(&mut self, name: &str, path: &Path) -> Result<()> {
        let source = Source::open(path)?;
        let identity = source.identity()?;
        if let Some(same) = self.members.iter().find(|member| member.identity == identity) {
            return Err(Error::new(path, Problem::AttachedTwice { name: same.name.clone() }));
        }
        self.members.push(Member { name: name.to_owned(), path: path.to_owned(), identity });
        Ok(())
    }
}

/// Whether two names are one to SQLite.
fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}
