//! `litecopy pages`: what each page is used for, as a map or as JSON.

use std::path::{Path, PathBuf};

use clap::Args;
use litecopy::Result;
use litecopy::inspect::page_map::{MapHead, write_html, write_svg};
use litecopy::inspect::{self, PagesReport};

use super::exit_code::Ending;
use super::map_file::MapFile;
use super::output::{say, say_failure, say_lines};
use super::page_map;
use super::paint::Paint;
use super::printable::printable_path;
use super::reading_arguments::ReadingArguments;
use super::reading_progress::ReportProgress;

/// Show what each page of a database is used for, whose it is, and how full: a map of coloured blocks
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct PagesArguments {
    /// The database to look at; it is only read
    file: PathBuf,

    /// Print a JSON object for each page, one a line
    #[arg(long)]
    json: bool,

    /// Write the map as a page for browsers, in which pages can be pointed at, clicked and searched for; it needs no other file
    #[arg(long, value_name = "OUT")]
    html: Option<PathBuf>,

    /// Write the map as a picture for documents
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,

    #[command(flatten)]
    reading: ReadingArguments,
}

const HELP: &str = "\
Each block of the map is a page, or a run of pages of which most belong to the same table or index. Without colours (NO_COLOR, \
or where stdout is no terminal) it has letters instead of them. OUT must be new, or an older map.";

impl PagesArguments {
    pub(crate) fn run(&self) -> Ending {
        match self.try_run() {
            Ok(ending) => ending,
            Err(error) => say_failure(&error),
        }
    }

    fn try_run(&self) -> Result<Ending> {
        let outputs: Vec<&Path> =
            [&self.html, &self.svg].into_iter().filter_map(|out| out.as_deref()).collect();
        self.reading.confine(&[&self.file], &outputs);
        let html = self.html.as_deref().map(|out| MapFile::admit(out, &self.file)).transpose()?;
        let svg = self.svg.as_deref().map(|out| MapFile::admit(out, &self.file)).transpose()?;
        let mut database = self.reading.database(&self.file)?;
        let progress = ReportProgress::new(&[&database], 1);
        let report = database.report(inspect::pages)?;
        drop(progress);
        let title = printable_path(database.path());
        let head = MapHead::new(title, database.page_size().bytes(), report.page_count());
        drop(database);
        let wrote = html.is_some() || svg.is_some();
        if let Some(file) = html {
            file.write(|out| write_html(&report, &head, out))?;
        }
        if let Some(file) = svg {
            file.write(|out| write_svg(&report, &head, out))?;
        }
        Ok(match (self.json, wrote) {
            (true, _) => say_lines(|output| report.iter().try_for_each(|page| output.json(&page))),
            (false, true) => self.say_written(),
            (false, false) => show(&report, &head),
        })
    }

    fn say_written(&self) -> Ending {
        let paths = [&self.html, &self.svg].into_iter().flatten();
        say(&paths.map(|path| format!("wrote {}", printable_path(path))).collect::<Vec<_>>().join("\n"))
    }
}

fn show(report: &PagesReport, head: &MapHead) -> Ending {
    let lines = page_map::lines(report, head, Paint::of_stdout());
    say_lines(|output| lines.iter().try_for_each(|line| output.styled_line(line)))
}
