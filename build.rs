//! What is known only when the crate is built: the commit that `litecopy --version` tells, and the notes as pages of the documentation.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LITECOPY_COMMIT");
    let version = env!("CARGO_PKG_VERSION");
    let version = commit().map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=LITECOPY_VERSION={version}");
    println!("cargo::rerun-if-changed=format-spec-notes");
    write_notes();
}

/// The commit that is built: as whoever packages it says, as Cargo wrote down when the crate was published, or as git tells.
fn commit() -> Option<String> {
    let said = env::var("LITECOPY_COMMIT").ok().filter(|commit| !commit.is_empty());
    said.or_else(published_commit).or_else(checked_out_commit)
}

fn published_commit() -> Option<String> {
    let written = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = written.split_once("\"sha1\": \"")?;
    rest.split('"').next()?.get(..12).map(str::to_owned)
}

/// Only of a repository of our own: in that of another, which has us as a part, the commit would say nothing of us.
fn checked_out_commit() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    // Moves with each commit and each change of branch.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Each page of `format-spec-notes/` becomes a module of the documentation, and links between them links that rustdoc checks.
fn write_notes() {
    let Some(out) = env::var_os("OUT_DIR") else { return };
    let mut pages: Vec<_> = fs::read_dir("format-spec-notes").into_iter().flatten().flatten().collect();
    pages.sort_by_key(fs::DirEntry::file_name);
    let mut modules = String::new();
    for page in pages {
        let name = page.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".md").filter(|stem| *stem != "README") else { continue };
        let text = linked(&fs::read_to_string(page.path()).unwrap_or_default());
        modules.push_str(&format!("#[doc = {text:?}]\npub mod {} {{}}\n", module_name(stem)));
    }
    if let Err(error) = fs::write(Path::new(&out).join("notes.rs"), modules) {
        println!("cargo::error=notes.rs cannot be written: {error}");
    }
}

fn module_name(stem: &str) -> String {
    stem.replace('-', "_")
}

/// Links to other pages lead to their modules; those out of the folder have nowhere to lead, and are their own text.
fn linked(text: &str) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("](") {
        let Some((target, after)) = link.split_once(')') else { break };
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        rest = after;
        match (file.strip_suffix(".md"), before.rfind('[')) {
            (None | Some("README"), Some(start)) if !target.starts_with('#') && !target.contains("://") => {
                done.push_str(&before[..start]);
                done.push_str(&before[start + 1..]);
            }
            (Some(stem), Some(start)) if stem.contains('/') => {
                done.push_str(&before[..start]);
                done.push_str(&before[start + 1..]);
            }
            (Some(stem), _) => {
                let heading = if heading.is_empty() { String::new() } else { format!("#{heading}") };
                done.push_str(&format!("{before}](crate::notes::{}{heading})", module_name(stem)));
            }
            _ => done.push_str(&format!("{before}]({target})")),
        }
    }
    done + rest
}
