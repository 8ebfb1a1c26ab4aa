//! How the rules read: the project's files, code without its comments and strings, words, headings.

use std::fs;
use std::path::Path;

/// One file of the project: its path from the top, with `/`, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The text before the file's own tests: what ships.
    pub(crate) fn shipped(&self) -> &str {
        self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(&self.text)
    }
}

/// Every file below `folder` (from the project's top) that ends in `suffix`, in order of path.
pub(crate) fn files(folder: &str, suffix: &str) -> Vec<SourceFile> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(top, folder, suffix, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(top: &Path, folder: &str, suffix: &str, found: &mut Vec<SourceFile>) {
    let Ok(entries) = fs::read_dir(top.join(folder)) else { return };
    for entry in entries.map(Result::unwrap) {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            // What Cargo builds for the fuzz targets lies below their own folder.
            if path != "fuzz/target" {
                walk(top, &path, suffix, found);
            }
        } else if path.ends_with(suffix) {
            let text = fs::read_to_string(entry.path()).unwrap();
            found.push(SourceFile { path, text });
        }
    }
}

/// One file, or an empty text when it is not there (the rule that needs it then complains).
pub(crate) fn file(path: &str) -> SourceFile {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default();
    SourceFile::new(path, &text)
}

pub(crate) fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
}

/// Rust source parted into code and comments. Both keep the line breaks, so that line numbers fit; what lies in
/// string and character literals is in neither.
pub(crate) struct Parted {
    pub(crate) code: String,
    pub(crate) comments: String,
}

pub(crate) fn part(text: &str) -> Parted {
    let chars: Vec<char> = text.chars().collect();
    let mut parted = Parted { code: String::new(), comments: String::new() };
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let end = match rest {
            ['/', '/', ..] => at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => at + block_comment_length(rest),
            _ => at,
        };
        if end > at {
            parted.comments.extend(&chars[at..end]);
            parted.code.extend(chars[at..end].iter().filter(|c| **c == '\n'));
            at = end;
            continue;
        }
        let before = at.checked_sub(1).and_then(|i| chars.get(i)).copied().unwrap_or(' ');
        let literal = literal_length(rest, before);
        if literal > 0 {
            let breaks: String = rest[..literal].iter().filter(|c| **c == '\n').collect();
            parted.code.push_str("\"\"");
            parted.code.push_str(&breaks);
            parted.comments.push_str(&breaks);
            at += literal;
        } else {
            parted.code.push(chars[at]);
            if chars[at] == '\n' {
                parted.comments.push('\n');
            }
            at += 1;
        }
    }
    parted
}

fn block_comment_length(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of the string or character literal that `rest` begins with; 0 when it begins with none.
fn literal_length(rest: &[char], before: char) -> usize {
    match rest {
        ['"', ..] => 1 + quoted(&rest[1..]),
        ['r', '"' | '#', ..] if !is_word(before) || before == 'b' => {
            let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
            if rest.get(1 + hashes) != Some(&'"') {
                return 0; // a raw identifier
            }
            let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let body = &rest[2 + hashes..];
            let end = body.windows(close.len()).position(|w| w == close).unwrap_or(body.len());
            2 + hashes + end + close.len()
        }
        ['\'', '\\', _, tail @ ..] => 3 + tail.iter().position(|c| *c == '\'').map_or(tail.len(), |i| i + 1),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
    .min(rest.len())
}

/// The length up to and with the closing quote.
fn quoted(rest: &[char]) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The lines (from 1) on which `word` stands by itself.
pub(crate) fn lines_with_word(text: &str, word: &str) -> Vec<usize> {
    let has = |line: &str| line.split(|c| !is_word(c)).any(|w| w == word);
    text.lines().enumerate().filter(|(_, line)| has(line)).map(|(i, _)| i + 1).collect()
}

/// The headings of a Markdown page outside its code blocks, as GitHub names them in a link.
pub(crate) fn heading_slugs(page: &str) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for line in outside_code_blocks(page) {
        if let Some(title) = line.strip_prefix('#').map(|l| l.trim_start_matches('#')) {
            let slug = slug(title.trim());
            let earlier = slugs.iter().filter(|s| **s == slug || s.starts_with(&format!("{slug}-"))).count();
            slugs.push(if slugs.contains(&slug) { format!("{slug}-{earlier}") } else { slug });
        }
    }
    slugs
}

pub(crate) fn outside_code_blocks(page: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    page.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// GitHub's anchor for a heading: small letters, blanks to hyphens, everything else but letters, digits, `-` and `_` gone.
pub(crate) fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let kept = lower.chars().filter(|c| is_word(*c) || *c == '-' || *c == ' ');
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Every path that begins with `crate::`, groups in braces opened up.
pub(crate) fn crate_paths(code: &str) -> Vec<String> {
    paths_from(code, "crate::")
}

/// The same, of paths that begin with `root`, such as `super::`.
pub(crate) fn paths_from(code: &str, root: &str) -> Vec<String> {
    let compact: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paths = Vec::new();
    for (at, _) in compact.match_indices(root) {
        if compact[..at].ends_with(is_word) || compact[..at].ends_with(['$', ':']) {
            continue;
        }
        expand(&compact[at + root.len()..], "", &mut paths);
    }
    paths
}

fn expand(rest: &str, prefix: &str, paths: &mut Vec<String>) {
    let name: String = rest.chars().take_while(|c| is_word(*c) || *c == ':').collect();
    let joined = format!("{prefix}{name}");
    let Some(group) = rest[name.len()..].strip_prefix('{') else {
        paths.push(joined);
        return;
    };
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in group.char_indices() {
        if c == '{' {
            depth += 1;
        } else if (c == ',' || c == '}') && depth == 0 {
            let part = group[start..at].trim();
            if !part.is_empty() {
                expand(part, &joined, paths);
            }
            start = at + 1;
            if c == '}' {
                return;
            }
        } else if c == '}' {
            depth -= 1;
        }
    }
}
