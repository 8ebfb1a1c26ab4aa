//! Text in columns, as reports for people have it.

use super::printable::printable;

/// Lines of a name and what belongs to it, in two columns.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn title(&mut self, title: &str) {
        self.0.push_str(&format!("\n{title}\n"));
    }

    pub(crate) fn line(&mut self, name: &str, value: impl ToString) {
        let line = format!("  {:<22} {}", printable(name), printable(&value.to_string()));
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// The longest cell that others are aligned with: one that is longer sticks out, so that a name of 65,535 characters, which a database
/// may have, does not widen every line.
const WIDEST: usize = 100;

/// Columns as wide as their longest cell, with two blanks between.
pub(crate) fn table<const N: usize>(titles: [String; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = std::iter::once(titles).chain(rows).collect();
    let length = |cell: &String| cell.chars().count().min(WIDEST);
    let widths: Vec<usize> = (0..N)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in &rows {
        let cells: String =
            row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:<width$}")).collect();
        text.push_str(cells.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let rows = [["a", "bb"], ["ccc", ""]].map(|row| row.map(str::to_owned));
        let [titles, row] = rows;
        assert_eq!(table(titles, [row].into_iter()), "  a    bb\n  ccc\n");
    }

    #[test]
    fn a_name_of_any_length_is_shown() {
        let long = "x".repeat(70_000);
        let text = table(["a", "b"].map(str::to_owned), [[long.clone(), "c".to_owned()]].into_iter());
        assert_eq!(text.lines().nth(1), Some(format!("  {long}  c").as_str()));
    }
}
