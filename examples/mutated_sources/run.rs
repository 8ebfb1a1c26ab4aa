//! One run of the command over damaged files, and whether it did what it says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::damage::damage;
use crate::random::Random;
use crate::sets::{Files, MANIFEST, beside};

/// When a run is given up: a busy machine may let it wait for the processor, but not for ever. How much of the processor it uses is
/// limited by the system.
const MOST_TIME: Duration = Duration::from_secs(60);

/// Sets the limits, and becomes the command: 200 MB of address space, seconds of the processor, 1 GiB in one file.
const WITH_LIMITS: &str = "ulimit -v 204800; ulimit -t $SECONDS_ALLOWED; ulimit -f 2097152; exec \"$@\"";

/// What a build that is not optimized may take is of no matter.
const SECONDS_ALLOWED: &str = if cfg!(debug_assertions) { "50" } else { "5" };

/// Places in the words of [`VERBS`]: the damaged database, another that is whole, a new file, a table.
const DAMAGED: &str = "DAMAGED";
const WHOLE: &str = "WHOLE";
const NEW: &str = "NEW";

/// The ways in which the command is called. The verb is the first word.
const VERBS: [&str; 42] = [
    "copy DAMAGED NEW --timeout 0.2",
    "copy DAMAGED NEW --timeout 0.2 --scrub --verify",
    "copy DAMAGED NEW --timeout 0.2 --skip-free --manifest MANIFEST",
    "copy DAMAGED NEW --timeout 0.2 --consistency step --pages 3",
    "copy DAMAGED NEW --timeout 0.2 --consistency hold --untrusted",
    "copy DAMAGED NEW --timeout 0.2 --immutable",
    "copy DAMAGED NEW --timeout 0.2 --opaque",
    "copy DAMAGED - --timeout 0.2",
    "copy WHOLE DAMAGED --timeout 0.2 --replace",
    "copy WHOLE DAMAGED --timeout 0.2 --in-place",
    "restore WHOLE DAMAGED --timeout 0.2",
    "restore DAMAGED WHOLE --timeout 0.2",
    "restore DAMAGED NEW --timeout 0.2 --untrusted",
    "refresh WHOLE DAMAGED --timeout 0.2",
    "refresh DAMAGED WHOLE --timeout 0.2",
    "refresh DAMAGED WHOLE --timeout 0.2 --replace --manifest MANIFEST",
    "acquire DAMAGED NEW --timeout 0.2",
    "acquire DAMAGED NEW --timeout 0.2 --json --untrusted",
    "check DAMAGED --timeout 0.2",
    "check DAMAGED --timeout 0.2 --quick --json --untrusted",
    "pages DAMAGED --timeout 0.2",
    "pages DAMAGED --timeout 0.2 --json",
    "pages DAMAGED --timeout 0.2 --html NEW",
    "space DAMAGED --timeout 0.2",
    "page DAMAGED PAGE --timeout 0.2",
    "page DAMAGED PAGE --timeout 0.2 --json",
    "wal DAMAGED --timeout 0.2",
    "wal DAMAGED --timeout 0.2 --frames --json",
    "journal DAMAGED --timeout 0.2",
    "shm DAMAGED --timeout 0.2",
    "diff DAMAGED WHOLE --timeout 0.2",
    "diff DAMAGED --from 0 --rows --timeout 0.2",
    "rows DAMAGED --timeout 0.2",
    "rows DAMAGED t --timeout 0.2 --format csv",
    "rows DAMAGED --deleted --timeout 0.2",
    "rows DAMAGED --history t 9 --timeout 0.2",
    "dump DAMAGED --timeout 0.2",
    "dump DAMAGED --timeout 0.2 --as-of 1 --untrusted",
    "info DAMAGED --timeout 0.2",
    "info DAMAGED --timeout 0.2 --json",
    "locks DAMAGED",
    "verify DAMAGED --manifest DAMAGED.manifest",
];

/// The command as it is shipped.
pub(crate) struct Binary(PathBuf);

impl Binary {
    /// The one that was built together with this program.
    pub(crate) fn find() -> Self {
        let this = std::env::current_exe().unwrap();
        let folder = this.parent().and_then(Path::parent).unwrap();
        let binary = folder.join(format!("litecopy{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.is_file(), "build the command first: cargo build --release");
        Self(binary)
    }

    /// The manifest of a copy.
    pub(crate) fn manifest_of(&self, database: &Path) -> Vec<u8> {
        let (copy, manifest) = (beside(database, ".copy"), beside(database, MANIFEST));
        let mut command = Command::new(&self.0);
        command.arg("copy").arg(database).arg(copy).arg("--replace").arg("--manifest").arg(&manifest);
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        fs::read(manifest).unwrap()
    }
}

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) verb: &'static str,
    pub(crate) words: Vec<String>,
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    pub(crate) wrong: Option<String>,
    damaged: Files,
    said: String,
}

impl Outcome {
    /// Writes down the files of a wrong run, how to run it again, and what was said.
    pub(crate) fn keep(&self, seed: u64, number: u64) -> PathBuf {
        let folder = PathBuf::from(format!("target/mutated_sources/{seed}-{number}"));
        fs::create_dir_all(&folder).unwrap();
        write_files(&folder.join("d.db"), &self.damaged);
        let story =
            format!("{}\n{}\n\n{}", self.words.join(" "), self.wrong.as_deref().unwrap_or(""), self.said);
        fs::write(folder.join("story.txt"), story).unwrap();
        folder
    }
}

/// Damages some files, runs a verb over them, and judges it.
pub(crate) fn run(binary: &Binary, sets: &[Files], random: &mut Random) -> Outcome {
    let folder = tempfile::tempdir_in(place()).unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut damaged = random.one_of(sets);
    damage(&mut damaged, sets, random);
    let whole = random.one_of(sets);
    write_files(&path("d.db"), &damaged);
    write_files(&path("w.db"), &whole);

    let line = random.one_of(&VERBS);
    let page = random.one_of(&[1, 2, 3, 5, 9, 40]).to_string();
    let word = |word: &str| match word {
        NEW => path("new").display().to_string(),
        "MANIFEST" => path("new.manifest").display().to_string(),
        "PAGE" => page.clone(),
        word => word
            .replace(DAMAGED, &path("d.db").display().to_string())
            .replace(WHOLE, &path("w.db").display().to_string()),
    };
    let words: Vec<String> = line.split(' ').map(word).collect();
    let said = path("said");
    let (status, took) = execute(binary, &words, &said);
    let said = String::from_utf8_lossy(&fs::read(said).unwrap_or_default()).into_owned();

    let changed = changed(line, folder.path(), &damaged, &whole, status);
    let wrong = wrong_end(status).or(changed);
    let verb = line.split(' ').next().unwrap_or(line);
    Outcome { verb, words, code: status.and_then(|status| status.code()), took, wrong, damaged, said }
}

/// In memory, where the system has a folder that is kept there.
fn place() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

fn write_files(database: &Path, files: &Files) {
    for (suffix, bytes) in files {
        fs::write(beside(database, suffix), bytes).unwrap();
    }
}

/// Runs the command; no status when it had to be ended.
fn execute(binary: &Binary, words: &[String], said: &Path) -> (Option<ExitStatus>, Duration) {
    let begun = Instant::now();
    let mut child = Command::new("sh")
        .args(["-c", WITH_LIMITS, "sh"])
        .env("SECONDS_ALLOWED", SECONDS_ALLOWED)
        .arg(&binary.0)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(said).unwrap())
        .spawn()
        .unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (Some(status), begun.elapsed());
        }
        if begun.elapsed() > MOST_TIME {
            child.kill().unwrap();
            child.wait().unwrap();
            return (None, begun.elapsed());
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// What is wrong with how it ended.
fn wrong_end(status: Option<ExitStatus>) -> Option<String> {
    let Some(status) = status else { return Some(format!("it did not end within {MOST_TIME:?}")) };
    match status.code() {
        // That of the processor time (SIGXCPU) too.
        None => Some(format!("it was ended: {status}")),
        // Wrong use (2) it is not; 101 is a panic.
        Some(code) if ![0, 1, 5].contains(&code) => Some(format!("exit code {code}")),
        _ => None,
    }
}

/// What lies there that should not, or is not as it was.
fn changed(
    line: &str,
    folder: &Path,
    damaged: &Files,
    whole: &Files,
    status: Option<ExitStatus>,
) -> Option<String> {
    let done = status.is_some_and(|status| status.success());
    // Whatever is written over comes second.
    let target = line
        .split(' ')
        .nth(2)
        .filter(|_| ["copy", "restore", "refresh"].iter().any(|verb| line.starts_with(verb)));
    let mut there: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        there.push(entry.unwrap().file_name().to_string_lossy().into_owned());
    }
    for (word, name, files) in [(DAMAGED, "d.db", damaged), (WHOLE, "w.db", whole)] {
        let names: Vec<String> = files.keys().map(|suffix| format!("{name}{suffix}")).collect();
        for (suffix, bytes) in files {
            let of_target = target == Some(word) && *suffix != MANIFEST;
            if !of_target && !is(&folder.join(format!("{name}{suffix}")), bytes) {
                return Some(format!("{name}{suffix} has changed"));
            }
        }
        // A target may come to be where nothing was.
        let made = |entry: &String| target == Some(word) && done && entry == name;
        let new = |entry: &&String| entry.starts_with(name) && !names.contains(*entry) && !made(entry);
        if let Some(new) = there.iter().find(new) {
            return Some(format!("{new} was left behind"));
        }
    }
    let may_be = |entry: &String| {
        entry == "said"
            || entry.starts_with("d.db")
            || entry.starts_with("w.db")
            || done && ["new", "new.manifest"].contains(&entry.as_str())
    };
    let alien = there.iter().find(|entry| !may_be(entry));
    alien.map(|entry| format!("{entry} was left behind"))
}

fn is(path: &Path, bytes: &[u8]) -> bool {
    match fs::read(path) {
        Ok(found) => found == bytes,
        Err(_) => false,
    }
}
