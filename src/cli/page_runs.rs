//! Pages as people read them: runs of those that follow each other.

/// How many runs people are told of; programs are told all.
const MOST_RUNS: usize = 6;

/// `3`, or `3-5`.
pub(crate) fn run(first: u32, last: u32) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// Sorted pages as `1, 4-7`, no more than a line has room for.
pub(crate) fn runs(pages: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &page in pages {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(page) => *last = page,
            _ => runs.push((page, page)),
        }
    }
    let mut words: Vec<_> = runs.iter().take(MOST_RUNS).map(|&(first, last)| run(first, last)).collect();
    if runs.len() > MOST_RUNS {
        words.push("...".to_owned());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_follow_each_other_are_one_run() {
        assert_eq!(runs(&[]), "");
        assert_eq!(runs(&[1, 3, 4, 5, 9, u32::MAX]), "1, 3-5, 9, 4294967295");
        assert_eq!(runs(&[1, 3, 5, 7, 9, 11, 13]), "1, 3, 5, 7, 9, 11, ...");
    }
}
