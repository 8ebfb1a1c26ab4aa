//! The command as one page of Markdown, made from its definitions: `docs/command.md` is this page.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command};

/// What stands above the verbs.
const BEGINNING: &str = "\
# The command `litecopy`

Made from the command's own definitions by `litecopy manual`; a test compares. Each verb tells the same by `litecopy VERB --help`.
";

/// The titles of arguments and options that have none of their own.
const ARGUMENTS: &str = "Arguments";
const OPTIONS: &str = "Options";

/// All verbs, each with its arguments, options, and what its help says below them.
pub(crate) fn command_page(command: Command) -> String {
    let mut command = command.disable_help_subcommand(true).term_width(0);
    command.build();
    let mut page = BEGINNING.to_owned();
    let verbs = || command.get_subcommands().filter(|verb| !verb.is_hide_set());
    page.push_str("\n| verb | |\n|---|---|\n");
    for verb in verbs() {
        let name = verb.get_name();
        page.push_str(&format!("| [`{name}`](#litecopy-{name}) | {} |\n", cell(&about(verb))));
    }
    if let Some(end) = command.get_after_help() {
        page.push_str(&format!("\n```text\n{}\n```\n", end.to_string().trim_end()));
    }
    let shared = shared_groups(verbs());
    for verb in verbs() {
        page.push_str(&section(verb, &shared));
    }
    if !shared.is_empty() {
        page.push_str("\n## Options of several verbs\n");
    }
    for group in &shared {
        page.push_str(&format!("\n### {}\n{}", group.title, table(OPTIONS, &group.rows)));
    }
    page
}

fn about(verb: &Command) -> String {
    verb.get_about().map(ToString::to_string).unwrap_or_default()
}

/// Arguments of a verb that stand under one title.
#[derive(Clone, PartialEq, Eq)]
struct Group {
    title: String,
    rows: String,
}

fn table(title: &str, rows: &str) -> String {
    format!("\n| {} | |\n|---|---|\n{rows}", title.to_lowercase())
}

/// The arguments of a verb: its own, and those that others share, each under its title and in the order of the help.
fn groups(verb: &Command) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let is_help = |argument: &&Arg| matches!(argument.get_action(), ArgAction::Help | ArgAction::Version);
    let shown = verb.get_arguments().filter(|argument| !argument.is_hide_set() && !is_help(argument));
    for argument in shown {
        let own = if argument.is_positional() { ARGUMENTS } else { OPTIONS };
        let title = argument.get_help_heading().unwrap_or(own);
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.rows.push_str(&row(argument)),
            None => groups.push(Group { title: title.to_owned(), rows: row(argument) }),
        }
    }
    groups.sort_by_key(|group| match group.title.as_str() {
        ARGUMENTS => 0,
        OPTIONS => 1,
        _ => 2,
    });
    groups
}

/// Groups that more than one verb has word for word: they are shown once.
fn shared_groups<'a>(verbs: impl Iterator<Item = &'a Command>) -> Vec<Group> {
    let all: Vec<Group> = verbs.flat_map(groups).collect();
    let mut shared: Vec<Group> = Vec::new();
    for group in &all {
        let is_own = [ARGUMENTS, OPTIONS].contains(&group.title.as_str());
        let is_shared = all.iter().filter(|other| *other == group).count() > 1;
        if !is_own && is_shared && !shared.contains(group) {
            shared.push(group.clone());
        }
    }
    shared
}

fn section(verb: &Command, shared: &[Group]) -> String {
    let mut text =
        format!("\n## litecopy {}\n\n{}.\n\n```text\n{}\n```\n", verb.get_name(), about(verb), usage(verb));
    let mut links = Vec::new();
    for group in groups(verb) {
        if shared.contains(&group) {
            links.push(format!("[{}](#{})", group.title, group.title.to_lowercase().replace(' ', "-")));
        } else {
            text.push_str(&table(&group.title, &group.rows));
        }
    }
    if !links.is_empty() {
        text.push_str(&format!("\nMore options: {}.\n", links.join(", ")));
    }
    if let Some(end) = verb.get_after_help() {
        text.push_str(&format!("\n```text\n{}\n```\n", end.to_string().trim_end()));
    }
    text
}

fn usage(verb: &Command) -> String {
    let usage = verb.clone().render_usage().to_string();
    usage.trim_start_matches("Usage: ").trim_end().to_owned()
}

fn row(argument: &Arg) -> String {
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = match argument.get_action().takes_values() {
        true => argument.get_possible_values(),
        false => Vec::new(),
    };
    let values: Vec<_> = values.iter().filter(|value| !value.is_hide_set()).collect();
    if !values.is_empty() {
        let told = values.iter().map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        });
        write_to(&mut help, format_args!(". One of {}", told.collect::<Vec<_>>().join(", ")));
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        write_to(&mut help, format_args!(" [default: {}]", defaults.join(", ")));
    }
    format!("| `{}` | {} |\n", name(argument).replace('|', "\\|"), cell(&help))
}

fn write_to(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = text.write_fmt(arguments);
}

/// `-q`, `--quiet`, `--timeout SECONDS`, or `SOURCE`.
fn name(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default().iter().map(|name| name.as_str());
    let values = values.collect::<Vec<_>>().join(" ");
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    let names = [short, long].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        return values;
    }
    let is_optional = argument.get_num_args().is_some_and(|count| count.min_values() == 0);
    match argument.get_action().takes_values() {
        false => names,
        true if is_optional => format!("{names}[={values}]"),
        true => format!("{names} {values}"),
    }
}

/// Text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
