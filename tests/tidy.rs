//! Reads the project's own source and keeps its rules, so that no reviewer has to: floors, `unsafe`, sleeping,
//! opening words, pointers to the notes, invariants, lengths, and the README's commands in `.ci/run`.
//!
//! The rules stand in `tidy/rules.rs`; below, each is run over the project, then shown to be able to fail.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/text.rs"]
mod text;

use text::{SourceFile, exists, file, files};

fn assert_tidy(wrong: impl Iterator<Item = String>) {
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn notes() -> Vec<SourceFile> {
    files("format-spec-notes", ".md")
}

fn pages_of_notes() -> Vec<SourceFile> {
    notes().into_iter().filter(|n| !n.path.ends_with("/README.md")).collect()
}

fn all_rust() -> Vec<SourceFile> {
    ["src", "tests", "examples", "benches", "fuzz"].iter().flat_map(|f| files(f, ".rs")).collect()
}

#[test]
fn each_file_opens_with_its_purpose() {
    assert!(files("src", ".rs").len() > 2, "the source was not found");
    assert_tidy(all_rust().iter().flat_map(rules::opens_with_purpose));
}

#[test]
fn no_file_is_too_long() {
    assert_tidy(all_rust().iter().flat_map(rules::short_enough));
}

#[test]
fn each_floor_uses_only_those_below() {
    let floors = floors::floors(&file("src/lib.rs").text);
    assert!(floors.len() > 10, "the table of floors in src/lib.rs was not found");
    let files = files("src", ".rs");
    assert_tidy(files.iter().flat_map(|file| floors::keeps_to_floor(file, &floors)));
}

#[test]
fn each_folder_has_its_map() {
    let files = files("src", ".rs");
    // The command has a file for each verb, which its list of verbs names.
    let maps = files.iter().filter(|file| file.path.ends_with("/mod.rs") && file.path != "src/cli/mod.rs");
    assert_tidy(maps.flat_map(|map| rules::maps_its_files(map, &files)));
}

#[test]
fn every_floor_of_the_table_is_there() {
    let floors = floors::floors(&file("src/lib.rs").text);
    assert_tidy(floors::floors_are_there(&floors, &files("src", ".rs")).into_iter());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_tidy(imports::circles(&files("src", ".rs")).into_iter());
}

#[test]
fn no_function_is_too_long() {
    assert_tidy(all_rust().iter().flat_map(rules::functions_are_short));
}

#[test]
fn no_function_has_a_twin() {
    assert_tidy(files("src", ".rs").iter().flat_map(rules::has_no_twins));
}

#[test]
fn unsafe_stands_in_os_with_its_reason() {
    assert_tidy(files("src", ".rs").iter().flat_map(rules::unsafe_has_reason));
}

#[test]
fn only_the_clock_sleeps() {
    assert_tidy(files("src", ".rs").iter().flat_map(rules::does_not_sleep));
}

#[test]
fn pointers_to_the_notes_lead_there() {
    let notes = notes();
    assert_tidy(files("src", ".rs").iter().flat_map(|f| rules::pointers_lead_somewhere(f, &notes)));
    assert_tidy(files("src", ".rs").iter().flat_map(rules::pointers_are_links));
}

#[test]
fn links_between_pages_lead_there() {
    let mut pages = notes();
    pages.extend(["docs", "benches", "fuzz", ".ci"].iter().flat_map(|folder| files(folder, ".md")));
    pages.extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(file));
    assert!(pages.iter().all(|page| !page.text.is_empty()), "a page is empty, or not there");
    // The published crate has neither the fuzz targets nor the package for Python.
    let is_left_out = |path: &str| ["fuzz", "python"].iter().any(|it| path.starts_with(it) && !exists(it));
    let exists = |path: &str| exists(path) || is_left_out(path);
    assert_tidy(pages.iter().flat_map(|p| rules::links_lead_somewhere(p, &pages, exists)));
}

#[test]
fn each_note_ends_with_where_in_the_code() {
    assert_tidy(pages_of_notes().iter().flat_map(|n| rules::note_ends_in_code(n, exists)));
}

#[test]
fn the_reading_order_names_each_note() {
    let index = file("format-spec-notes/README.md").text;
    assert_tidy(pages_of_notes().iter().flat_map(|n| rules::index_names_page(&index, n)));
}

#[test]
fn invariants_are_cited_only_when_defined() {
    let defined = rules::defined_invariants(&file("format-spec-notes/copy-protocol.md").text);
    let expected: Vec<String> = (1..=12).map(|n| format!("C{n}")).collect();
    assert_eq!(defined, expected, "the invariants of copy-protocol.md");
    assert_tidy(files("src", ".rs").iter().flat_map(|f| rules::cites_known_invariants(f, &defined)));
}

#[test]
fn tests_named_in_the_notes_are_there() {
    let rust = all_rust();
    assert_tidy(notes().iter().flat_map(|n| rules::tests_are_there(n, &rust)));
}

#[test]
fn every_state_has_its_test_and_every_hazard_its_answer() {
    let (states, hazards) = (file("format-spec-notes/states.md"), file("format-spec-notes/hazards.md"));
    assert!(states.text.matches("| test |").count() >= 4, "tables of states");
    assert_tidy(rules::rows_have_tests(&states).into_iter());
    assert_tidy(rules::hazards_are_answered(&hazards, 44).into_iter());
}

#[test]
fn ci_runs_the_commands_of_the_readme() {
    let wrong = rules::ci_runs_readme_commands(&file("README.md").text, &file(".ci/run").text);
    assert_tidy(wrong.into_iter());
}

/// Each rule, given something untidy, says so.
mod each_rule_can_fail {
    use super::rules;
    use super::text::{SourceFile, heading_slugs, part};

    fn source(path: &str, text: &str) -> SourceFile {
        SourceFile::new(path, text)
    }

    #[test]
    fn purpose() {
        assert_eq!(rules::opens_with_purpose(&source("src/a.rs", "//! Why.\n")).len(), 0);
        assert_eq!(rules::opens_with_purpose(&source("src/a.rs", "use std::io;\n//! Late.\n")).len(), 1);
    }

    #[test]
    fn length() {
        let lines = |n: usize| source("src/a.rs", &"x\n".repeat(n));
        assert_eq!(rules::short_enough(&lines(rules::MOST_LINES)).len(), 0);
        assert_eq!(rules::short_enough(&lines(rules::MOST_LINES + 1)).len(), 1);
    }

    #[test]
    fn maps() {
        let map = |docs: &str| source("src/a/mod.rs", docs);
        let files = [source("src/a/b.rs", ""), source("src/a/c/mod.rs", ""), source("src/d.rs", "")];
        assert_eq!(rules::maps_its_files(&map("//! A: `b` and `c`\nmod b;"), &files).len(), 0);
        assert_eq!(rules::maps_its_files(&map("//! A: `b`\nmod b;"), &files).len(), 1);
    }

    #[test]
    fn functions() {
        let text = |n: usize| format!("fn a(\n    b: u8,\n) {{\n{}    }}\n}}\n", "    {\n    }\n".repeat(n));
        assert_eq!(rules::functions_are_short(&source("src/a.rs", &text(30))).len(), 0);
        assert_eq!(rules::functions_are_short(&source("src/a.rs", &text(40))).len(), 1);
    }

    #[test]
    fn twins() {
        let wrong = |text: &str| rules::has_no_twins(&source("src/a.rs", text)).len();
        assert_eq!(wrong("pub fn copy() {}\nfn copy_with_care() {}"), 0);
        assert_eq!(wrong("pub fn copy_with_care() {}\npub const fn with_care() {}"), 2);
    }

    #[test]
    fn unsafe_code() {
        let wrong = |path: &str, text: &str| rules::unsafe_has_reason(&source(path, text)).len();
        assert_eq!(wrong("src/os/a.rs", "// SAFETY: it is.\nlet a = unsafe { b() };"), 0);
        assert_eq!(wrong("src/os/a.rs", "// SAFETY: it is,\n// and long.\nlet a =\n    unsafe { b() };"), 0);
        assert_eq!(wrong("src/os/a.rs", "let a = unsafe { b() };"), 1);
        assert_eq!(wrong("src/os/a.rs", "// SAFETY: of another.\nlet a = b();\nunsafe { c() };"), 1);
        assert_eq!(wrong("src/lock/a.rs", "// SAFETY: it is.\nunsafe { b() };"), 1);
        assert_eq!(wrong("src/lock/a.rs", "// unsafe in words, and unsafe_code\nallow(unsafe_code)"), 0);
    }

    #[test]
    fn sleeping() {
        let wrong = |path: &str, text: &str| rules::does_not_sleep(&source(path, text)).len();
        assert_eq!(wrong("src/backup/a.rs", "std::thread::sleep(pause);"), 1);
        assert_eq!(wrong("src/backup/a.rs", "use std::thread::{self, sleep};"), 1);
        assert_eq!(wrong("src/backup/a.rs", "options.sleep(pause); // thread::sleep"), 0);
        assert_eq!(wrong("src/os/clock.rs", "std::thread::sleep(pause);"), 0);
    }

    #[test]
    fn pointers() {
        let notes = [source("format-spec-notes/wal.md", "# The log\n\n## Frame validity\n")];
        let wrong = |text: &str| rules::pointers_lead_somewhere(&source("src/a.rs", text), &notes).len();
        assert_eq!(wrong("//! See `[wal.md#frame-validity]` and `[wal.md]`."), 0);
        assert_eq!(wrong("//! See `[wal.md#frame-valid]`."), 1);
        assert_eq!(wrong("//! See `[log.md#frame-validity]`."), 1);
        let links = |text: &str| rules::pointers_are_links(&source("src/format/a.rs", text)).len();
        assert_eq!(links("//! See [wal-index.md#a](crate::notes::wal_index#a)."), 0);
        assert_eq!(links("//! See [wal-index.md#a](crate::notes::wal#a)."), 1);
        assert_eq!(links("//! See `[wal-index.md#a]`."), 1);
    }

    #[test]
    fn links() {
        let pages = [source("notes/a.md", "# One\n## Two words\n")];
        let wrong = |text: &str| {
            rules::links_lead_somewhere(&source("notes/b.md", text), &pages, |p| p == "src/lib.rs").len()
        };
        assert_eq!(wrong("[x](a.md#two-words) [y](../src/lib.rs) [z](https://example.org/a)"), 0);
        assert_eq!(wrong("[x](a.md#three) [y](c.md)"), 2);
    }

    #[test]
    fn where_in_the_code() {
        let wrong =
            |text: &str| rules::note_ends_in_code(&source("notes/a.md", text), |p| p == "src/lib.rs").len();
        assert_eq!(wrong("# A\n\n## Where in the code\n\n- `src/lib.rs`\n"), 0);
        assert_eq!(wrong("# A\n\n## Where in the code\n\n- `src/gone.rs`\n"), 1);
        assert_eq!(wrong("# A\n\n## Where in the code\n\nnowhere\n"), 1);
        assert_eq!(wrong("# A\n\n## Where in the code\n\n- `src/lib.rs`\n\n## More\n"), 1);
        let a = source("format-spec-notes/a.md", "");
        assert_eq!(rules::index_names_page("1. [A](a.md)", &a).len(), 0);
        assert_eq!(rules::index_names_page("1. [B](b.md)", &a).len(), 1);
    }

    #[test]
    fn invariants() {
        let defined =
            rules::defined_invariants("# P\n\n### C1 The source is only read\n\n### C2 Locks first\n");
        assert_eq!(defined, ["C1", "C2"]);
        let wrong = |text: &str| rules::cites_known_invariants(&source("src/a.rs", text), &defined).len();
        assert_eq!(wrong("// C2: locked before the first page\nlet x = \"C9\";"), 0);
        assert_eq!(wrong("// C3: one version"), 1);
    }

    #[test]
    fn named_tests() {
        let rust = [source("tests/judge/hold.rs", "#[test]\nfn it_holds() {\n")];
        let wrong = |text: &str| rules::tests_are_there(&source("notes/a.md", text), &rust).len();
        assert_eq!(wrong("by `hold::it_holds`, in `Backup::step` and `a`"), 0);
        assert_eq!(wrong("by `hold::it_hold` and `old::it_holds`"), 2);
        let rows = |text: &str| rules::rows_have_tests(&source("notes/a.md", text)).len();
        assert_eq!(rows("| a | test |\n|---|---|\n| b | `hold::it_holds` |\n\n| a | b |\n| c | d |"), 0);
        assert_eq!(rows("| a | test |\n|---|---|\n| b | `hold::it_holds` |\n| c | soon |"), 1);
    }

    #[test]
    fn hazards() {
        let wrong = |text: &str| rules::hazards_are_answered(&source("notes/a.md", text), 2).len();
        let shown = "Answer: we do not. Shown by `a::b`.";
        assert_eq!(wrong(&format!("# A\n\n### H1\n\n{shown}\n\n### H2\n\nAnswer: not ours yet.\n")), 0);
        assert_eq!(wrong(&format!("# A\n\n### H1\n\n{shown}\n\n## Where\n\nAnswer: not ours yet.\n")), 1);
        assert_eq!(wrong(&format!("# A\n\n### H1\n\n{shown}\n\n### H3\n\n{shown}\n")), 1);
        assert_eq!(wrong(&format!("# A\n\n### H1\n\nShown by `a::b`.\n\n### H2\n\n{shown}\n")), 1);
        assert_eq!(wrong(&format!("\n### H1\n{shown}\n### H2\n{shown}\n### H3\n{shown}\n")), 0);
    }

    #[test]
    fn readme_commands() {
        let readme = "# A\n```sh\ncargo run --example b\n```\nand\n```sh\ncargo test\n```\n";
        assert_eq!(
            rules::ci_runs_readme_commands(readme, "cargo run --example b\nstep cargo test\n").len(),
            0
        );
        assert_eq!(
            rules::ci_runs_readme_commands(readme, "cargo run --example b\ncargo test --lib\n").len(),
            1
        );
        assert_eq!(rules::ci_runs_readme_commands("# A\n", "").len(), 1);
    }

    #[test]
    fn reading_rust() {
        let parted =
            part("let a = 'x'; // one\nlet b = r#\"// no\"#; /* two */ fn f<'a>(s: &'a str) {}\n\"\\\"//\"");
        assert_eq!(parted.code, "let a = \"\"; \nlet b = \"\";  fn f<'a>(s: &'a str) {}\n\"\"");
        assert_eq!(parted.comments, "// one\n/* two */\n");
    }

    #[test]
    fn headings() {
        let page = "# A `b` (c)\n```sh\n# not one\n```\n## A `b` (c)\n### 1.2 Läge, x_y\n";
        assert_eq!(heading_slugs(page), ["a-b-c", "a-b-c-1", "12-läge-x_y"]);
    }
}
