//! Colours for people, and the width of their terminal: none where stdout is no terminal, or NO_COLOR says so.

use std::env;
use std::io::{IsTerminal, stdout};

use console::Term;

/// The width of what is no terminal.
const USUAL_WIDTH: usize = 80;

/// How text on stdout may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    colours: bool,
    /// In cells.
    pub(crate) width: usize,
}

impl Paint {
    /// Of this process.
    pub(crate) fn of_stdout() -> Self {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_terminal = stdout().is_terminal();
        let colours = is_terminal && !is_set("NO_COLOR") && !is_dumb;
        let told =
            env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|&width| width > 0);
        let asked =
            || Term::stdout().size_checked().map(|(_, width)| usize::from(width)).filter(|_| is_terminal);
        Self { colours, width: told.or_else(asked).unwrap_or(USUAL_WIDTH) }
    }

    /// With colours.
    #[cfg(test)]
    pub(crate) fn in_colour(width: usize) -> Self {
        Self { colours: true, width }
    }

    /// Without colours.
    #[cfg(test)]
    pub(crate) fn plain(width: usize) -> Self {
        Self { colours: false, width }
    }

    pub(crate) fn has_colours(self) -> bool {
        self.colours
    }

    /// What is beside the matter.
    pub(crate) fn dim(self, text: &str) -> String {
        self.styled("2", text)
    }

    /// What is looked at first.
    pub(crate) fn bold(self, text: &str) -> String {
        self.styled("1", text)
    }

    /// In a colour of red, green and blue.
    pub(crate) fn coloured(self, [red, green, blue]: [u8; 3], text: &str) -> String {
        self.styled(&format!("38;2;{red};{green};{blue}"), text)
    }

    fn styled(self, code: &str, text: &str) -> String {
        if self.colours && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_end_where_the_text_does_and_plain_text_has_none() {
        let paint = Paint { colours: true, width: 80 };
        assert_eq!(paint.coloured([1, 2, 3], "a"), "\x1b[38;2;1;2;3ma\x1b[0m");
        assert_eq!((paint.dim(""), Paint::plain(80).bold("a")), (String::new(), "a".to_owned()));
    }
}
