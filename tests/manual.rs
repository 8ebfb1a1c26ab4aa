//! The manual, man pages, completions and version: made from the command's own definitions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

fn litecopy(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_litecopy")).args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The verbs, as the manual lists them.
fn verbs() -> Vec<String> {
    let page = litecopy(&["manual"]);
    let rows = page.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once('`'));
    let verbs: Vec<String> = rows.map(|(verb, _)| verb.to_owned()).collect();
    assert!(verbs.contains(&"copy".to_owned()), "{page}");
    verbs
}

#[test]
fn the_page_of_the_command_is_what_the_command_says() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command.md")).unwrap();
    assert!(
        page == litecopy(&["manual"]),
        "docs/command.md is not what the command says: `cargo run -- manual > docs/command.md`"
    );
}

#[test]
fn each_verb_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    litecopy(&["manual", "--man", folder.path().to_str().unwrap()]);
    for verb in verbs() {
        let page = fs::read_to_string(folder.path().join(format!("litecopy-{verb}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(&verb), "{verb}: {page}");
    }
    assert!(folder.path().join("litecopy.1").is_file());
}

/// The commit is told where there is one: in a repository, and in the crate as it is published.
#[test]
fn the_version_names_the_commit() {
    let version = litecopy(&["--version"]);
    let rest = version.trim_end().strip_prefix(concat!("litecopy ", env!("CARGO_PKG_VERSION"))).unwrap();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    if top.join(".git").exists() && Command::new("git").arg("--version").output().is_ok() {
        let commit = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
        assert!(commit.len() >= 12 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{version}");
    }
}

#[test]
fn each_shell_completes_each_verb() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = litecopy(&["completions", shell]);
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell}: {verb}");
        }
        assert!(script.contains("lock-style"), "{shell}: no option");
    }
}
