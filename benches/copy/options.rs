//! What can be said to the bench on its command line.

use std::path::PathBuf;

/// The size of the large databases, in millions of bytes, and the rounds, when nothing else is said.
const FULL: (u64, usize) = (1_000, 5);
const QUICK: (u64, usize) = (20, 1);

const USAGE: &str =
    "usage: cargo bench --bench copy -- [--quick] [--only CASE]... [--rounds N] [--megabytes N] [--out FOLDER]
  --quick          20 megabytes and one round: whether it runs, not how fast
  --only CASE      the cases whose names begin so; can be given again
  --rounds N       how often each contender copies (5)
  --megabytes N    the size of the large databases (1000); the small ones have a tenth, the sparse one four times as much
  --out FOLDER     where copy.md and copy.svg go (benches/ when everything is run in full, else they are not written)";

pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) megabytes: u64,
    only: Vec<String>,
    out: Option<PathBuf>,
    /// Whether nothing was said that makes the run smaller than the one that is published.
    full: bool,
}

impl Options {
    /// The options of a command line.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for people, and how it is used.
    pub(crate) fn parse(words: impl Iterator<Item = String>, cases: &[&str]) -> Result<Self, String> {
        let wrong = |what: String| format!("{what}\n{USAGE}\ncases: {}", cases.join(", "));
        // Cargo says `--bench` to every bench.
        let mut words = words.filter(|word| word != "--bench");
        let (mut quick, mut rounds, mut megabytes) = (false, None, None);
        let (mut only, mut out) = (Vec::new(), None);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| wrong(format!("{word} needs a value")));
            match word.as_str() {
                "--quick" => quick = true,
                "--only" => only.push(value()?),
                "--rounds" => rounds = Some(at_least_one(&value()?).map_err(wrong)?),
                "--megabytes" => megabytes = Some(at_least_one(&value()?).map_err(wrong)?),
                "--out" => out = Some(PathBuf::from(value()?)),
                _ => return Err(wrong(format!("unknown: {word}"))),
            }
        }
        let known = |only: &&String| cases.iter().any(|case| case.starts_with(only.as_str()));
        if let Some(name) = only.iter().find(|only| !known(only)) {
            return Err(wrong(format!("no case begins with {name}")));
        }
        let full = !quick && only.is_empty() && megabytes.is_none();
        let (default_megabytes, default_rounds) = if quick { QUICK } else { FULL };
        Ok(Self {
            quick,
            rounds: rounds.map_or(default_rounds, |rounds| usize::try_from(rounds).unwrap_or(usize::MAX)),
            megabytes: megabytes.unwrap_or(default_megabytes),
            only,
            out,
            full,
        })
    }

    pub(crate) fn wants(&self, case: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|begin| case.starts_with(begin.as_str()))
    }

    /// Where the table and the picture go, if anywhere: a partial run must not take the place of a full one unasked.
    pub(crate) fn out_folder(&self) -> Option<PathBuf> {
        let published = || self.full.then(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches"));
        self.out.clone().or_else(published)
    }
}

fn at_least_one(word: &str) -> Result<u64, String> {
    word.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{word}: not a whole number above 0"))
}
