//! What was set as a goal for a case, and whether the medians reach it.

use crate::table::Row;

/// Compares one row with others of the same table, by label.
pub(crate) struct Goal {
    ours: String,
    others: Vec<String>,
    bound: Bound,
}

enum Bound {
    /// The best of the others takes at least so many times as long.
    TimesAsFast(f64),
    /// Each of the others takes longer.
    Faster,
    /// Takes at most so many times what the best of the others takes.
    AtMostTimes(f64),
    /// So many KiB more than the other.
    AtMostAboveKib(f64),
}

/// How a goal came out: in words, and whether it was reached when all its rows were measured.
pub(crate) struct Verdict {
    pub(crate) words: String,
    pub(crate) reached: Option<bool>,
}

impl Goal {
    pub(crate) fn times_as_fast(ours: &str, other: &str, times: f64) -> Self {
        Self { ours: ours.to_owned(), others: vec![other.to_owned()], bound: Bound::TimesAsFast(times) }
    }

    pub(crate) fn faster(ours: &str, others: &[&str]) -> Self {
        Self { bound: Bound::Faster, ..Self::at_most_times(ours, others, 1.0) }
    }

    pub(crate) fn at_most_times(ours: &str, others: &[&str], times: f64) -> Self {
        let others = others.iter().map(|&other| other.to_owned()).collect();
        Self { ours: ours.to_owned(), others, bound: Bound::AtMostTimes(times) }
    }

    pub(crate) fn at_most_above_kib(ours: &str, other: &str, kib: f64) -> Self {
        Self { ours: ours.to_owned(), others: vec![other.to_owned()], bound: Bound::AtMostAboveKib(kib) }
    }

    pub(crate) fn judge(&self, rows: &[Row]) -> Verdict {
        let median = |label: &str| rows.iter().find(|row| row.label == label).and_then(Row::median);
        let others = self.others.iter().filter_map(|label| median(label));
        let best = others.min_by(f64::total_cmp);
        let (ours, peers) = (&self.ours, self.others.join("`, `"));
        let peers =
            if self.others.len() > 1 { format!("the best of `{peers}`") } else { format!("`{peers}`") };
        let goal = match self.bound {
            Bound::TimesAsFast(times) => format!("`{ours}` at least {times} times as fast as {peers}"),
            Bound::Faster => format!("`{ours}` faster than {peers}"),
            Bound::AtMostTimes(times) => format!("`{ours}` in at most {times} times the time of {peers}"),
            Bound::AtMostAboveKib(kib) => format!("`{ours}` at most {:.0} MiB above {peers}", kib / 1024.0),
        };
        let (Some(is), Some(best)) = (median(ours), best) else {
            return Verdict { words: format!("{goal}: not measured"), reached: None };
        };
        let (found, reached) = match self.bound {
            Bound::TimesAsFast(times) => (format!("{:.2} times", best / is), best / is >= times),
            Bound::Faster => (format!("{:.2} times as fast", best / is), is < best),
            Bound::AtMostTimes(times) => (format!("{:.2} times", is / best), is / best <= times),
            Bound::AtMostAboveKib(kib) => (format!("{:.1} MiB", (is - best) / 1024.0), is - best <= kib),
        };
        Verdict { words: format!("{goal}: {found}"), reached: Some(reached) }
    }
}
