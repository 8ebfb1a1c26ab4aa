//! Whoever copies in a case: what it is called in the table, and how it is run.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::{Bench, litecopy};
use crate::jobs::{Job, sync};
use crate::race::Pair;

/// In an argument of litecopy: a file beside the target.
pub(crate) const BESIDE_TARGET: &str = "{target}.manifest";

#[derive(Clone)]
pub(crate) struct Contender {
    pub(crate) label: String,
    tool: Tool,
    /// Whether the copy is on disk when the time is taken; none where nothing is copied.
    pub(crate) synced: Option<bool>,
}

#[derive(Clone)]
enum Tool {
    /// The command, with a verb and options.
    Litecopy(Vec<&'static str>),
    /// This executable, for each copy anew.
    Job(Job),
    /// This executable, once for all copies.
    JobForAll(Job),
    /// `cp --reflink=` this.
    Cp(&'static str),
    /// A process that copies nothing.
    Start(fn() -> Command),
}

impl Contender {
    /// The command `litecopy`. Without a sync it is told `--no-sync`.
    pub(crate) fn litecopy(label: &str, arguments: &[&'static str], synced: bool) -> Self {
        let no_sync = (!synced).then_some("--no-sync");
        let arguments = arguments.iter().copied().chain(no_sync).collect();
        Self { label: label.to_owned(), tool: Tool::Litecopy(arguments), synced: Some(synced) }
    }

    pub(crate) fn job(label: &str, job: Job, synced: bool) -> Self {
        Self { label: label.to_owned(), tool: Tool::Job(job), synced: Some(synced) }
    }

    pub(crate) fn job_for_all(label: &str, job: Job) -> Self {
        Self { label: label.to_owned(), tool: Tool::JobForAll(job), synced: Some(true) }
    }

    /// `cp` of the coreutils; its copy is synced by the bench, within the time, which costs less than starting `sync`.
    pub(crate) fn cp(reflink: &'static str, synced: bool) -> Self {
        Self { label: format!("cp --reflink={reflink}"), tool: Tool::Cp(reflink), synced: Some(synced) }
    }

    pub(crate) fn start(label: &str, command: fn() -> Command) -> Self {
        Self { label: label.to_owned(), tool: Tool::Start(command), synced: None }
    }

    pub(crate) fn named(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    pub(crate) fn is_litecopy(&self) -> bool {
        self.label.starts_with("litecopy")
    }

    pub(crate) fn copies(&self) -> bool {
        !matches!(self.tool, Tool::Start(_))
    }

    /// Whether its copy may have fewer pages than the source.
    pub(crate) fn packs(&self) -> bool {
        matches!(self.tool, Tool::Job(Job::VacuumInto))
    }

    /// Why it cannot run here, if so.
    pub(crate) fn hindered(&self) -> Option<String> {
        match &self.tool {
            Tool::Litecopy(arguments) => Bench::missing(arguments),
            Tool::Cp(_) if !answers(Command::new("cp").arg("--reflink=auto").arg("--version")) => {
                Some("no cp of the coreutils".to_owned())
            }
            _ => None,
        }
    }

    /// The processes to be run one after the other, each with the target that the bench has to sync after it.
    pub(crate) fn commands<'a>(&self, pairs: &'a [Pair]) -> Vec<(Command, Option<&'a Path>)> {
        let each =
            |command: &dyn Fn(&Pair) -> Command| pairs.iter().map(|pair| (command(pair), None)).collect();
        match &self.tool {
            Tool::Litecopy(arguments) => each(&|pair| {
                let target = pair.target.to_str().unwrap();
                let mut command = litecopy();
                command.args(arguments.iter().map(|argument| argument.replace("{target}", target)));
                command.args([&pair.source, &pair.target]);
                command
            }),
            Tool::Job(job) => each(&|pair| {
                let mut command = job.command(self.synced == Some(true));
                command.args([&pair.source, &pair.target]);
                command
            }),
            Tool::JobForAll(job) => {
                let mut command = job.command(self.synced == Some(true));
                command.args(pairs.iter().flat_map(|pair| [&pair.source, &pair.target]));
                vec![(command, None)]
            }
            Tool::Cp(reflink) => {
                let cp = |pair: &'a Pair| {
                    let mut command = Command::new("cp");
                    command.arg(format!("--reflink={reflink}")).args([&pair.source, &pair.target]);
                    (command, (self.synced == Some(true)).then_some(pair.target.as_path()))
                };
                pairs.iter().map(cp).collect()
            }
            Tool::Start(command) => each(&|_| command()),
        }
    }

    /// Copies every pair, to the end.
    pub(crate) fn run(&self, commands: Vec<(Command, Option<&Path>)>) {
        for (mut command, to_sync) in commands {
            let output =
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
            assert!(output.status.success(), "{}: {}", self.label, String::from_utf8_lossy(&output.stderr));
            if let Some(target) = to_sync {
                sync(target);
            }
        }
    }
}

fn answers(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
