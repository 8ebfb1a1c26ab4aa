//! What can be said to the bench on its command line.

use std::path::PathBuf;

const USAGE: &str = "usage: cargo bench --bench inspect -- [--megabytes N] [--only NAME] [--file DATABASE]
  --megabytes N    the size of the database that is made (100)
  --only NAME      the reports whose names begin so
  --file DATABASE  this database instead";

pub(crate) struct Options {
    pub(crate) megabytes: u64,
    pub(crate) file: Option<PathBuf>,
    only: String,
}

impl Options {
    /// The options of a command line; what is wrong with it ends the bench.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Self {
        let mut options = Self { megabytes: 100, file: None, only: String::new() };
        // Cargo says `--bench` to every bench.
        let mut words = words.filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let value = words.next().expect(USAGE);
            match word.as_str() {
                "--megabytes" => options.megabytes = value.parse().expect(USAGE),
                "--only" => options.only = value,
                "--file" => options.file = Some(value.into()),
                _ => panic!("{USAGE}"),
            }
        }
        options
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        name.starts_with(&self.only)
    }
}
