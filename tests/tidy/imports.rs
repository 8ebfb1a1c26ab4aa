//! Circles of imports: files that use each other, directly or by way of others, can only be read together.
//!
//! A file uses another when it names something in it by a path that begins with `crate::` or `super::`. What a `mod.rs` or
//! `lib.rs` hands on (`pub use`) belongs to the file that it comes from.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::{SourceFile, part, paths_from};

/// Circles that are still there, by their files.
const STILL: &[&str] = &[];

/// The circles, each as one message that names its files.
pub(crate) fn circles(files: &[SourceFile]) -> Vec<String> {
    let modules: BTreeMap<String, Module> =
        files.iter().map(|file| (name_of(&file.path), module(file))).collect();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, module) in &modules {
        for path in &module.paths {
            if let Some(used) = owner(path, &modules, 0).filter(|used| used != name) {
                uses.entry(name).or_default().insert(used);
            }
        }
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|name| (*name, all_from(name, &uses))).collect();
    let mut told = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, all) in &reached {
        let back = |other: &&&str| reached.get(*other).is_some_and(|all| all.contains(name));
        let circle: Vec<&str> = all.iter().filter(back).copied().collect();
        if all.contains(name) && !circle.iter().any(|other| told.contains(other)) {
            told.extend(circle.iter().copied());
            let circle = circle.join(", ");
            if !STILL.contains(&circle.as_str()) {
                wrong.push(format!("these files import each other: {circle}"));
            }
        }
    }
    wrong
}

/// What one file names.
struct Module {
    /// Paths from the crate's root that its code names, beside those that it only hands on.
    paths: Vec<String>,
    /// What it hands on: the name, and the path that it comes from.
    handed_on: BTreeMap<String, String>,
}

/// `src/format/mod.rs` is `format`, `src/error.rs` is `error`, and the crate's root is ``.
fn name_of(path: &str) -> String {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    let inside = inside.strip_suffix("mod").map_or(inside, |folder| folder.trim_end_matches('/'));
    if matches!(inside, "lib" | "main") { String::new() } else { inside.replace('/', "::") }
}

fn module(file: &SourceFile) -> Module {
    let name = name_of(&file.path);
    let code = part(file.shipped()).code;
    let (exports, rest): (Vec<&str>, Vec<&str>) =
        code.split_inclusive(';').partition(|statement| is_export(statement));
    let mut handed_on = BTreeMap::new();
    for statement in exports {
        let inside = statement.rsplit("use ").next().unwrap_or_default().trim_end_matches(';');
        for path in paths_from(&format!("crate::{inside}"), "crate::") {
            let path = from_root(&path, &name);
            let item = path.rsplit("::").next().unwrap_or_default().to_owned();
            handed_on.insert(item, path);
        }
    }
    let rest = rest.concat();
    let mut paths = paths_from(&rest, "crate::");
    let parent = name.rsplit_once("::").map_or("", |(parent, _)| parent);
    paths.extend(paths_from(&rest, "super::").iter().map(|path| join(parent, path)));
    // What a file says of its own submodules, as `self::` or by their bare names, is its map and no use of them.
    Module { paths, handed_on }
}

fn is_export(statement: &str) -> bool {
    let words: Vec<&str> = statement.rsplit(['}', '\n']).filter(|line| !line.trim().is_empty()).collect();
    let from = statement.find("pub").map(|at| &statement[at..]).unwrap_or_default();
    let use_of = from.split_once("use ").map(|(before, _)| before).unwrap_or("?");
    !words.is_empty() && (use_of == "pub " || (use_of.starts_with("pub(") && use_of.ends_with(") ")))
}

/// The path of something that `module` names: from the root, from above, or from its own files.
fn from_root(path: &str, module: &str) -> String {
    if let Some(rest) = path.strip_prefix("crate::") {
        return rest.to_owned();
    }
    if let Some(rest) = path.strip_prefix("super::") {
        return join(module.rsplit_once("::").map_or("", |(parent, _)| parent), rest);
    }
    join(module, path.trim_start_matches("self::"))
}

fn join(parent: &str, path: &str) -> String {
    if parent.is_empty() { path.to_owned() } else { format!("{parent}::{path}") }
}

/// The file in which what a path names stands: the longest part of it that is a file, unless that hands it on from elsewhere.
fn owner<'m>(path: &str, modules: &'m BTreeMap<String, Module>, depth: usize) -> Option<&'m str> {
    let mut part = path;
    loop {
        if let Some((name, module)) = modules.get_key_value(part) {
            let item = path[part.len()..].trim_start_matches("::").split("::").next().unwrap_or_default();
            return match module.handed_on.get(item) {
                Some(from) if depth < 8 => owner(from, modules, depth + 1),
                _ => Some(name),
            };
        }
        part = part.rsplit_once("::").map_or("", |(parent, _)| parent);
    }
}

fn all_from<'m>(name: &str, uses: &BTreeMap<&'m str, BTreeSet<&'m str>>) -> BTreeSet<&'m str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = uses.get(name).into_iter().flatten().copied().collect();
    while let Some(name) = next.pop() {
        if reached.insert(name) {
            next.extend(uses.get(name).into_iter().flatten());
        }
    }
    reached
}

mod tests {
    use super::*;

    fn wrong(files: &[(&str, &str)]) -> Vec<String> {
        circles(&files.iter().map(|(path, text)| SourceFile::new(path, text)).collect::<Vec<_>>())
    }

    #[test]
    fn a_circle_is_found_by_way_of_others() {
        let found = wrong(&[
            ("src/lib.rs", "mod a;\nmod b;"),
            ("src/a.rs", "use crate::b::{B, c::C};"),
            ("src/b/mod.rs", "mod c;\npub use c::C;\npub struct B;"),
            ("src/b/c.rs", "use super::d::D;"),
            ("src/b/d.rs", "fn f() { crate::a::g() }"),
        ]);
        assert_eq!(found, ["these files import each other: a, b::c, b::d"]);
    }

    #[test]
    fn a_map_of_files_is_no_circle() {
        let files = [
            ("src/lib.rs", "mod a;\npub use a::{A, Other};"),
            ("src/a/mod.rs", "mod b;\npub use b::A;\npub(crate) use b::Other;"),
            ("src/a/b.rs", "pub struct A;\n#[cfg(test)]\nmod tests { use crate::a::c::C; }"),
            ("src/a/c.rs", "use super::A; use crate::Other;"),
        ];
        assert_eq!(wrong(&files), [""; 0]);
    }
}
