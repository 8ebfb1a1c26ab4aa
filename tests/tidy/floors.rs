//! The floors of `src/`: the table in `lib.rs` names them, and each uses only what its row, or a file above it in the table, lets it.

use crate::text::{SourceFile, crate_paths, lines_with_word, part};

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Floor {
    /// A folder, or a file beside the folders, without its ending.
    pub(crate) name: String,
    is_file: bool,
    may_use: Vec<String>,
}

/// Reads the table from the documentation of the crate: rows of three cells, of which the first is a name in backquotes.
pub(crate) fn floors(lib: &str) -> Vec<Floor> {
    let table = lib.split("\n//! # Floors\n").nth(1).unwrap_or_default();
    let table = table.split("\n//! # ").next().unwrap_or_default();
    table.lines().filter_map(floor).collect()
}

fn floor(line: &str) -> Option<Floor> {
    let cells: Vec<&str> = line.strip_prefix("//! |")?.trim_end_matches('|').split('|').collect();
    let [name, _, may_use] = cells.as_slice() else { return None };
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let name = names(name).into_iter().next()?;
    let is_file = name.ends_with(".rs");
    Some(Floor { name: name.trim_end_matches(".rs").to_owned(), is_file, may_use: names(may_use) })
}

/// The floor of a file: its folder, or itself where it stands beside the folders. The crate's root has none.
fn name_of(path: &str) -> Option<&str> {
    match path.strip_prefix("src/")? {
        "lib.rs" => None,
        "main.rs" => Some("cli"),
        inside => inside.split('/').next().map(|name| name.trim_end_matches(".rs")),
    }
}

/// A floor uses only what its row names, and the files that stand above it in the table.
pub(crate) fn keeps_to_floor(file: &SourceFile, floors: &[Floor]) -> Vec<String> {
    let Some(name) = name_of(&file.path) else { return Vec::new() };
    let Some(at) = floors.iter().position(|floor| floor.name == name) else {
        return vec![format!("{}: the table of floors in src/lib.rs has no row `{name}`", file.path)];
    };
    let code = part(file.shipped()).code;
    let files_above = || floors[..at].iter().filter(|floor| floor.is_file).map(|floor| &floor.name);
    let mut wrong = Vec::new();
    for used in crate_paths(&code) {
        let is_below = |allowed: &String| used == *allowed || used.starts_with(&format!("{allowed}::"));
        if !std::iter::once(&floors[at].name).chain(&floors[at].may_use).chain(files_above()).any(is_below) {
            wrong.push(format!("{}: the floor `{name}` may not use `crate::{used}`", file.path));
        }
    }
    if code.contains("super::super::super") {
        wrong.push(format!("{}: `super` climbs out of its floor; say `crate::`", file.path));
    }
    if name == "cli" && lines_with_word(&code, "path").iter().any(|n| line(&code, *n).contains("#[path")) {
        wrong.push(format!("{}: `#[path]` would bring internals into the command", file.path));
    }
    if name == "format" {
        for forbidden in ["std::io", "std::fs", "std::path", "std::time", "std::thread", "std::net"] {
            if code.contains(forbidden) {
                wrong.push(format!("{}: `{forbidden}` on the ground floor", file.path));
            }
        }
    }
    wrong
}

fn line(text: &str, number: usize) -> &str {
    text.lines().nth(number - 1).unwrap_or_default()
}

/// Every row is there, and is kept by some file that was read.
pub(crate) fn floors_are_there(floors: &[Floor], files: &[SourceFile]) -> Vec<String> {
    let has = |floor: &&Floor| files.iter().any(|file| name_of(&file.path) == Some(&floor.name));
    let gone = floors.iter().filter(|floor| !has(floor));
    gone.map(|floor| format!("src/lib.rs: its table names the floor `{}`, which is not there", floor.name))
        .collect()
}

mod tests {
    use super::*;

    const LIB: &str = "\
//! A crate.
//!
//! # Floors
//!
//! | floor | duty | may use |
//! |---|---|---|
//! | `format` | bytes | |
//! | `os` | the system | |
//! | `error.rs` | errors | `format` |
//! | `lock` | locks | `os`, `format` |
//! | `backup` | copies | `format`, `os::clock` |
//! | `cli` | words | |
//!
//! # More
//!
//! | `none` | of | these |
";

    fn wrong(path: &str, text: &str) -> usize {
        keeps_to_floor(&SourceFile::new(path, text), &floors(LIB)).len()
    }

    #[test]
    fn the_table_is_read() {
        let names: Vec<String> = floors(LIB).into_iter().map(|floor| floor.name).collect();
        assert_eq!(names, ["format", "os", "error", "lock", "backup", "cli"]);
        let files = [SourceFile::new("src/format/a.rs", ""), SourceFile::new("src/error.rs", "")];
        assert_eq!(floors_are_there(&floors(LIB), &files).len(), 4);
    }

    #[test]
    fn a_floor_uses_only_what_its_row_names() {
        assert_eq!(wrong("src/format/a.rs", "use crate::format::damage::Damage;"), 0);
        assert_eq!(wrong("src/format/a.rs", "use crate::error::Error;"), 1);
        assert_eq!(wrong("src/format/a.rs", "use std::io::Read;"), 1);
        assert_eq!(wrong("src/os/a.rs", "fn f() { crate::format::g() }"), 1);
        assert_eq!(wrong("src/error.rs", "use crate::format::a; use crate::os::b;"), 1);
        assert_eq!(wrong("src/lock/a.rs", "use crate::{os::x, format::{y, z}, error::Error};"), 0);
        assert_eq!(wrong("src/lock/a.rs", "use crate::{os::x,\n  backup::{y, z}};"), 2);
        assert_eq!(wrong("src/backup/a.rs", "use crate::os::clock::Clock;"), 0);
        assert_eq!(wrong("src/backup/a.rs", "use crate::os::{clock, random_access};"), 1);
        assert_eq!(wrong("src/backup/a.rs", "use crate::lock::L;"), 1);
        assert_eq!(wrong("src/cellar/a.rs", ""), 1);
        assert_eq!(wrong("src/beside.rs", ""), 1);
        assert_eq!(wrong("src/lib.rs", "use crate::backup::B;"), 0);
    }

    #[test]
    fn the_command_uses_only_what_the_crate_exports() {
        assert_eq!(wrong("src/cli/a.rs", "use litecopy::copy_database; use crate::cli::b;"), 0);
        assert_eq!(wrong("src/cli/a.rs", "use crate::format::b;"), 1);
        assert_eq!(wrong("src/main.rs", "#[path = \"format/mod.rs\"]\nmod format;"), 1);
    }

    #[test]
    fn comments_strings_and_tests_are_not_held_to_it() {
        assert_eq!(wrong("src/os/a.rs", "// crate::format\nconst A: &str = \"crate::format\";"), 0);
        assert_eq!(wrong("src/os/a.rs", "//! A.\n#[cfg(test)]\nmod tests { use crate::format::X; }"), 0);
    }
}
