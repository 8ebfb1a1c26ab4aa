//! The rules. Each takes text and gives back what is wrong with it, so that each can be shown to fail.

use crate::text::{SourceFile, heading_slugs, is_word, lines_with_word, outside_code_blocks, part, slug};

/// A file is at most this long; past it a second duty hides in it.
pub(crate) const MOST_LINES: usize = 500;

pub(crate) fn opens_with_purpose(file: &SourceFile) -> Vec<String> {
    if file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![format!("{}: does not open with `//! ` and its purpose", file.path)]
}

pub(crate) fn short_enough(file: &SourceFile) -> Vec<String> {
    let count = file.text.lines().count();
    if count <= MOST_LINES {
        return Vec::new();
    }
    vec![format!("{}: {count} lines, more than {MOST_LINES}: look for the second duty in it", file.path)]
}

/// A function is at most this long, from its first line to its closing brace.
const MOST_FUNCTION_LINES: usize = 70;

/// The one that is longer: a schedule of kills in a test, which is read from top to bottom.
const LONG_FUNCTIONS: &[&str] = &["kill_restores"];

pub(crate) fn functions_are_short(file: &SourceFile) -> Vec<String> {
    let code = part(&file.text).code;
    let lines: Vec<&str> = code.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut wrong = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        if line.trim_end().ends_with(';') {
            // A trait asks for it, and somebody else has its body.
            continue;
        }
        let ends = |l: &&str| l.trim_end() == format!("{}}}", " ".repeat(indent(line)));
        let Some(length) = lines[start..].iter().position(ends).map(|end| end + 1) else { continue };
        if length > MOST_FUNCTION_LINES && !LONG_FUNCTIONS.contains(&name) {
            wrong.push(format!("{}:{}: `{name}` has {length} lines", file.path, start + 1));
        }
    }
    wrong
}

/// The name of the function that begins on this line.
fn function_name(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let is_qualifier = |word: &str| {
        matches!(word, "const" | "unsafe" | "async" | "extern" | "\"\"")
            || word.starts_with("pub")
            || word.starts_with("in ")
            || word.ends_with(')')
    };
    if !before.split_whitespace().all(is_qualifier) {
        return None;
    }
    rest.split(|c| !is_word(c)).next().filter(|name| !name.is_empty())
}

/// What a function may be asked beyond its name is said by options: no `copy_with_progress` beside `copy`.
pub(crate) fn has_no_twins(file: &SourceFile) -> Vec<String> {
    let code = part(file.shipped()).code;
    let public = code.lines().filter(|line| line.trim_start().starts_with("pub "));
    let names = public.filter_map(function_name);
    let twins = names.filter(|name| name.starts_with("with_") || name.contains("_with_"));
    twins
        .map(|name| format!("{}: `{name}` is a twin; what it takes along belongs into options", file.path))
        .collect()
}

/// The documentation of a `mod.rs` is the map of its folder: it names each file in it.
pub(crate) fn maps_its_files(map: &SourceFile, files: &[SourceFile]) -> Vec<String> {
    let folder = map.path.trim_end_matches("mod.rs");
    let docs: String = map.text.lines().take_while(|line| line.starts_with("//!")).collect();
    let names =
        files.iter().filter_map(|file| file.path.strip_prefix(folder)).filter(|name| *name != "mod.rs");
    let names = names.map(|name| name.split('/').next().unwrap_or_default().trim_end_matches(".rs"));
    let is_named = |name: &str| docs.contains(&format!("`{name}`")) || docs.contains(&format!("`{name}.rs`"));
    let mut missing: Vec<&str> = names.filter(|name| !is_named(name)).collect();
    missing.dedup();
    missing.iter().map(|name| format!("{}: its map does not name `{name}`", map.path)).collect()
}

/// `unsafe` stands only in `src/os/`, each time with its reason.
pub(crate) fn unsafe_has_reason(file: &SourceFile) -> Vec<String> {
    let parted = part(&file.text);
    let mut wrong = Vec::new();
    for number in lines_with_word(&parted.code, "unsafe") {
        if !file.path.starts_with("src/os/") {
            wrong.push(format!("{}:{number}: `unsafe` outside src/os/", file.path));
        } else if !reason_above(&parted.comments, &parted.code, number) {
            wrong.push(format!("{}:{number}: `unsafe` without a `SAFETY:` comment above it", file.path));
        }
    }
    wrong
}

/// Whether the comment on this line, or the unbroken comment above its statement, says `SAFETY:`.
fn reason_above(comments: &str, code: &str, number: usize) -> bool {
    if line(comments, number).contains("SAFETY:") {
        return true;
    }
    for above in (1..number).rev() {
        if line(comments, above).contains("SAFETY:") {
            return true;
        }
        let code = line(code, above).trim();
        let statement_ended = code.ends_with([';', '}', '{']);
        if statement_ended || (code.is_empty() && line(comments, above).is_empty()) {
            return false;
        }
    }
    false
}

fn line(text: &str, number: usize) -> &str {
    text.lines().nth(number - 1).unwrap_or_default()
}

/// Only `src/os/clock.rs` sleeps. Waiting for something that comes (a signal, what is read) is no sleep.
pub(crate) fn does_not_sleep(file: &SourceFile) -> Vec<String> {
    if file.path == "src/os/clock.rs" {
        return Vec::new();
    }
    let code = part(file.shipped()).code;
    let sleeps = |line: &str| {
        let calls = ["thread::sleep", "park_timeout", "usleep", "nanosleep"];
        calls.iter().any(|c| line.contains(c)) || (line.contains("thread::{") && line.contains("sleep"))
    };
    let found = code.lines().enumerate().filter(|(_, line)| sleeps(line));
    found.map(|(i, _)| format!("{}:{}: sleeps; only src/os/clock.rs does", file.path, i + 1)).collect()
}

/// `[page.md#heading]` leads to a page of the notes and a heading on it.
pub(crate) fn pointers_lead_somewhere(file: &SourceFile, notes: &[SourceFile]) -> Vec<String> {
    let mut wrong = Vec::new();
    for pointer in pointers(&part(&file.text).comments) {
        let (page, heading) = pointer.split_once('#').unwrap_or((&pointer, ""));
        match notes.iter().find(|n| n.path == format!("format-spec-notes/{page}")) {
            None => wrong.push(format!("{}: [{pointer}]: no such page in format-spec-notes/", file.path)),
            Some(note) if !heading.is_empty() && !heading_slugs(&note.text).contains(&heading.to_owned()) => {
                wrong.push(format!("{}: [{pointer}]: no such heading", file.path));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// In the documentation of what is public a pointer is a link to the module that the page is there.
pub(crate) fn pointers_are_links(file: &SourceFile) -> Vec<String> {
    let comments = part(&file.text).comments;
    let mut wrong = Vec::new();
    for line in comments.lines().filter(|line| line.starts_with("///") || line.starts_with("//!")) {
        for pointer in pointers(line) {
            let (page, heading) = pointer.split_once('#').unwrap_or((&pointer, ""));
            let module = page.trim_end_matches(".md").replace('-', "_");
            let hash = if heading.is_empty() { "" } else { "#" };
            let link = format!("[{pointer}](crate::notes::{module}{hash}{heading})");
            let is_public = file.path.starts_with("src/format/") || line.contains(&format!("[{pointer}]("));
            if is_public && !line.contains(&link) {
                wrong.push(format!("{}: `[{pointer}]` is no link; say {link}", file.path));
            }
        }
    }
    wrong
}

fn pointers(text: &str) -> Vec<String> {
    let starts = text.match_indices('[').map(|(at, _)| &text[at + 1..]);
    let inner = starts.filter_map(|rest| rest.split_once(']').map(|(inner, _)| inner));
    let is_name = |s: &str| s.chars().all(|c| is_word(c) || c == '-') && !s.is_empty();
    let is_pointer = |inner: &&str| {
        let (page, heading) = inner.split_once('#').unwrap_or((inner, "x"));
        page.strip_suffix(".md").is_some_and(is_name) && is_name(heading)
    };
    inner.filter(is_pointer).map(str::to_owned).collect()
}

/// Links in Markdown to our own files and headings lead there.
pub(crate) fn links_lead_somewhere(
    page: &SourceFile,
    pages: &[SourceFile],
    exists: impl Fn(&str) -> bool,
) -> Vec<String> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let text = outside_code_blocks(&page.text).collect::<Vec<_>>().join("\n");
    let links = text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split_once(')'));
    let mut wrong = Vec::new();
    for (link, _) in links.filter(|(link, _)| !link.contains("://")) {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let path = if file.is_empty() { page.path.clone() } else { resolve(folder, file) };
        let target = pages.iter().chain([page]).find(|p| p.path == path);
        if target.is_none() && !exists(&path) {
            wrong.push(format!("{}: ({link}): no such file", page.path));
        }
        let has_heading = |t: &SourceFile| heading_slugs(&t.text).iter().any(|slug| slug == heading);
        if !heading.is_empty() && target.is_some_and(|t| !has_heading(t)) {
            wrong.push(format!("{}: ({link}): no such heading", page.path));
        }
    }
    wrong
}

fn resolve(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for step in link.split('/') {
        match step {
            ".." => drop(parts.pop()),
            "." | "" => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// A page of the notes ends with where its matter stands in the code, and what it names is there.
pub(crate) fn note_ends_in_code(note: &SourceFile, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let last = note.text.rsplit("\n## ").next().unwrap_or_default();
    if !last.starts_with("Where in the code\n") {
        return vec![format!("{}: does not end with the section `## Where in the code`", note.path)];
    }
    let named: Vec<&str> = last.split('`').skip(1).step_by(2).filter(|n| n.contains('/')).collect();
    if named.is_empty() {
        return vec![format!("{}: `Where in the code` names no file", note.path)];
    }
    let gone = named.iter().filter(|n| !exists(n));
    gone.map(|n| format!("{}: names `{n}`, which is not there", note.path)).collect()
}

/// The numbers of the invariants that `copy-protocol.md` defines: its headings `C1 ...`, `C2 ...`.
pub(crate) fn defined_invariants(protocol: &str) -> Vec<String> {
    let titles = outside_code_blocks(protocol).filter(|l| l.starts_with('#'));
    let first = titles.filter_map(|l| l.trim_start_matches('#').split_whitespace().next());
    first.filter(|w| is_invariant(w)).map(str::to_owned).collect()
}

fn is_invariant(word: &str) -> bool {
    word.strip_prefix('C').is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
}

/// An invariant is cited in a comment only when it is defined.
pub(crate) fn cites_known_invariants(file: &SourceFile, defined: &[String]) -> Vec<String> {
    let comments = part(&file.text).comments;
    let words = comments.split(|c| !is_word(c)).filter(|w| is_invariant(w));
    let unknown = words.filter(|w| !defined.iter().any(|d| d == w));
    unknown.map(|w| format!("{}: cites {w}, which copy-protocol.md does not define", file.path)).collect()
}

/// The README's first two commands (one a block) are what `.ci/run` runs.
pub(crate) fn ci_runs_readme_commands(readme: &str, ci: &str) -> Vec<String> {
    let commands: Vec<&str> = shell_blocks(readme).into_iter().take(2).collect();
    if commands.len() < 2 {
        return vec!["README.md: has not two blocks of `sh`".to_owned()];
    }
    let mut wrong = Vec::new();
    if commands[1] != "cargo test" {
        wrong.push(format!("README.md: its second command is `{}`, not `cargo test`", commands[1]));
    }
    for command in commands {
        let runs = |l: &str| l.trim() == command || l.trim().ends_with(&format!(" {command}"));
        if !ci.lines().any(runs) {
            wrong.push(format!(".ci/run: does not run the README's `{command}`"));
        }
    }
    wrong
}

fn shell_blocks(page: &str) -> Vec<&str> {
    let blocks = page.split("```sh\n").skip(1);
    blocks.filter_map(|b| b.split_once("\n```").map(|(inside, _)| inside.trim())).collect()
}

/// The reading order of the notes names every page.
pub(crate) fn index_names_page(index: &str, note: &SourceFile) -> Vec<String> {
    let name = note.path.rsplit('/').next().unwrap_or_default();
    if index.contains(&format!("]({name})")) {
        return Vec::new();
    }
    vec![format!("format-spec-notes/README.md: does not link to {name} ({})", slug(name))]
}

/// Every test that a page names, as `file::function`, is there.
pub(crate) fn tests_are_there(note: &SourceFile, rust: &[SourceFile]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, function) in named_tests(&note.text) {
        let ending = format!("/{file}.rs");
        let has = |source: &SourceFile| {
            source.path.ends_with(&ending) && source.text.contains(&format!("fn {function}()"))
        };
        if !rust.iter().any(has) {
            wrong.push(format!("{}: names the test `{file}::{function}`, which is not there", note.path));
        }
    }
    wrong
}

/// What stands in backquotes and is two names in small letters.
fn named_tests(text: &str) -> Vec<(&str, &str)> {
    let is_name = |s: &str| !s.is_empty() && s.chars().all(|c| is_word(c) && !c.is_uppercase());
    let quoted = text.split('`').skip(1).step_by(2).filter_map(|inside| inside.split_once("::"));
    quoted.filter(|(file, function)| is_name(file) && is_name(function)).collect()
}

/// In each table whose last column is the test, every row has one.
pub(crate) fn rows_have_tests(note: &SourceFile) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut inside = false;
    for line in note.text.lines() {
        let last = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        inside = line.starts_with('|') && (inside || last == "test");
        if inside && last != "test" && !last.starts_with("---") && named_tests(last).is_empty() {
            wrong.push(format!("{}: a row without a test: {line}", note.path));
        }
    }
    wrong
}

/// The hazards are numbered without a gap, as many as these at least, and each says which test shows it, or why none can.
pub(crate) fn hazards_are_answered(note: &SourceFile, least: usize) -> Vec<String> {
    let sections: Vec<&str> = note.text.split("\n### ").skip(1).collect();
    let mut wrong = Vec::new();
    for number in 1..=least.max(sections.len()) {
        let section = sections.get(number - 1).copied().unwrap_or_default();
        let section = section.split("\n## ").next().unwrap_or_default();
        let answered =
            ["Shown by `", "Not shown", "not ours yet"].iter().any(|words| section.contains(words));
        if !section.starts_with(&format!("H{number}\n")) {
            wrong.push(format!("{}: H{number} is not in its place", note.path));
        } else if !answered || !section.contains("Answer:") {
            wrong.push(format!("{}: H{number} has no answer, or nothing that shows it", note.path));
        }
    }
    wrong
}
