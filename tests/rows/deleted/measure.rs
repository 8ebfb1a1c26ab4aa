//! Counts what is found against what is there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use litecopy::inspect::DeletedRow;
use rusqlite::types::Value;
use serde_json::{Map, Value as Json, json};

use super::places::{Files, Left};
use super::record::{cells, text};
use super::scene::{Scene, Version};

/// The confidence from which on rows are given by default.
const DEFAULT_CONFIDENCE: f64 = 0.7;

/// The lower bounds of the buckets of confidence.
const BUCKETS: [f64; 9] = [0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98];

/// What was counted, over many scenes.
#[derive(Default)]
pub(crate) struct Sums {
    places: BTreeMap<&'static str, Place>,
    /// Versions that are gone with all their bytes there, and of these found.
    whole: usize,
    found: usize,
    found_by_default: usize,
    /// Versions that are partly there, and of these found.
    partly: usize,
    partly_found: usize,
    /// Rows given by default, wholly and partly there, and of these wrong ones.
    given: usize,
    wrong: usize,
    parts_given: usize,
    parts_wrong: usize,
    live: usize,
    /// Versions of tables whose statement is gone.
    unknown: usize,
    /// By confidence: given, and right.
    buckets: [(usize, usize); BUCKETS.len()],
}

#[derive(Default)]
struct Place {
    there: usize,
    found: usize,
    given: usize,
    wrong: usize,
}

/// A row as JSON has it, without its rowid column: what is compared.
fn values_of(version: &Version) -> Map<String, Json> {
    let value = |(name, value): &(String, Value)| {
        let json = match value {
            Value::Null => Json::Null,
            Value::Integer(number) => json!(number),
            Value::Real(number) => json!(number),
            Value::Text(text) => json!(text),
            Value::Blob(bytes) => {
                json!({ "blob": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() })
            }
        };
        (name != "id").then(|| (name.clone(), json))
    };
    version.values.iter().filter_map(value).collect()
}

/// A row that was found.
struct Given {
    table: String,
    rowid: Option<i64>,
    values: Map<String, Json>,
    is_part: bool,
}

impl Given {
    fn new(row: &DeletedRow) -> Self {
        let json = serde_json::to_value(row).unwrap();
        let mut values = json["values"].as_object().unwrap().clone();
        values.remove("id");
        let columns = (0..row.row.len()).count() - usize::from(row.row.get("id").is_some());
        let is_part = !row.whole && values.len() < columns;
        Self { table: row.row.table().to_owned(), rowid: row.row.rowid(), values, is_part }
    }

    /// Whether it is this version, as far as it says.
    fn is(&self, version: &Known) -> bool {
        self.rowid.is_none_or(|rowid| Some(rowid) == version.rowid)
            && self.values.iter().all(|(name, value)| version.values.get(name) == Some(value))
    }
}

struct Known {
    rowid: Option<i64>,
    values: Map<String, Json>,
}

fn key(table: &str, rowid: Option<i64>, values: &Map<String, Json>) -> String {
    format!("{table} {rowid:?} {values:?}")
}

/// Versions by their table.
fn by_table(versions: &[Version]) -> HashMap<&str, Vec<Known>> {
    let mut tables: HashMap<&str, Vec<Known>> = HashMap::new();
    for version in versions {
        let known = Known { rowid: version.rowid, values: values_of(version) };
        tables.entry(version.table.as_str()).or_default().push(known);
    }
    tables
}

impl Sums {
    pub(crate) fn add(&mut self, scene: &Scene, folder: &Path, rows: &[DeletedRow], is_told: bool) {
        let given: Vec<Given> = rows.iter().map(Given::new).collect();
        self.add_rows(scene, rows, &given, is_told);
        let files = Files::new(scene, folder);
        let mut found: HashMap<String, f64> = HashMap::new();
        for (row, given) in rows.iter().zip(&given).filter(|(_, given)| !given.is_part) {
            let most = found.entry(key(&given.table, given.rowid, &given.values)).or_default();
            *most = most.max(row.confidence);
        }
        let parts: Vec<&Given> = given.iter().filter(|row| row.is_part).collect();
        let live: HashSet<String> = scene.live.iter().map(Version::key).collect();
        let of_live = scene.live.iter().map(|it| key(&it.table, None, &values_of(it)));
        let live_values: HashSet<String> = of_live.collect();
        // Of a table whose statement is gone too nobody can tell.
        let tables: HashSet<&str> = scene.ever.iter().map(|version| version.table.as_str()).collect();
        let is_known = |table: &&str| {
            !scene.dropped.contains(*table) || files.have(&text(&scene.statement(table), scene.encoding))
        };
        let known: HashSet<&str> = tables.into_iter().filter(is_known).collect();
        for version in scene.ever.iter().filter(|version| !live.contains(&version.key())) {
            let values = values_of(version);
            if !known.contains(version.table.as_str()) {
                self.unknown += 1;
            } else if !live_values.contains(&key(&version.table, None, &values)) {
                // Else it could not be told from a live row with its rowid lost.
                let keys = [version.rowid, None].map(|rowid| key(&version.table, rowid, &values));
                let found = keys.iter().filter_map(|key| found.get(key)).copied().reduce(f64::max);
                self.add_version(scene, &files, version, (found, &parts), is_told);
            }
        }
    }

    /// Counts a version that is gone, by what is left of it.
    fn add_version(
        &mut self,
        scene: &Scene,
        files: &Files,
        version: &Version,
        (confidence, parts): (Option<f64>, &[&Given]),
        is_told: bool,
    ) {
        let is_found = confidence.is_some();
        let cells = cells(version, scene.encoding, scene.page_size);
        let better = |best: Left, next: Left| match (&best, &next) {
            (Left::Whole(_), _) | (_, Left::Nothing) => best,
            _ => next,
        };
        match cells.iter().map(|cell| files.left(cell)).fold(Left::Nothing, better) {
            Left::Whole(places) => {
                self.whole += 1;
                self.found += usize::from(is_found);
                self.found_by_default += usize::from(confidence >= Some(DEFAULT_CONFIDENCE));
                if !is_found {
                    let told: String = version.key().chars().take(if is_told { 500 } else { 100 }).collect();
                    println!("not found: seed {} {places:?} {told}", scene.seed);
                }
                for place in places {
                    let is_dropped = scene.dropped.contains(&version.table) && place == "freelist";
                    let place =
                        self.places.entry(if is_dropped { "dropped-table" } else { place }).or_default();
                    place.there += 1;
                    place.found += usize::from(is_found);
                }
            }
            Left::Part => {
                self.partly += 1;
                let known = Known { rowid: version.rowid, values: values_of(version) };
                let is_part = |row: &&Given| row.table == version.table && row.is(&known);
                self.partly_found += usize::from(is_found || parts.iter().any(is_part));
            }
            Left::Nothing => {}
        }
    }

    fn add_rows(&mut self, scene: &Scene, rows: &[DeletedRow], given: &[Given], is_told: bool) {
        let (ever, live) = (by_table(&scene.ever), by_table(&scene.live));
        let is_among = |known: &HashMap<&str, Vec<Known>>, row: &Given| {
            known.get(row.table.as_str()).is_some_and(|of_table| of_table.iter().any(|it| row.is(it)))
        };
        for (row, given) in rows.iter().zip(given) {
            let is_right = is_among(&ever, given);
            if is_among(&live, given) {
                self.live += 1;
                println!("live: {} {}", scene.what, serde_json::to_string(row).unwrap());
            }
            let bucket = BUCKETS.iter().rposition(|least| row.confidence >= *least).unwrap();
            self.buckets[bucket].0 += 1;
            self.buckets[bucket].1 += usize::from(is_right);
            if (is_told || row.confidence >= 0.9) && !is_right {
                let told: String = serde_json::to_string(row).unwrap().chars().take(500).collect();
                println!("wrong: seed {} {told}", scene.seed);
            }
            if row.confidence < DEFAULT_CONFIDENCE {
                continue;
            }
            let json = serde_json::to_value(row.found).unwrap();
            let place = place_named(json["in"].as_str().unwrap());
            let place = self.places.entry(place).or_default();
            place.given += 1;
            place.wrong += usize::from(!is_right);
            let (given, wrong) = match given.is_part {
                true => (&mut self.parts_given, &mut self.parts_wrong),
                false => (&mut self.given, &mut self.wrong),
            };
            *given += 1;
            *wrong += usize::from(!is_right);
        }
    }

    pub(crate) fn print(&self) {
        println!("| in | there | found | given | wrong |\n|---|---:|---:|---:|---:|");
        for (name, place) in &self.places {
            println!("| `{name}` | {} | {} | {} | {} |", place.there, place.found, place.given, place.wrong);
        }
        let Self { whole, found, given, wrong, live, .. } = self;
        println!("| each once | {whole} | {found} | {given} | {wrong} |");
        println!("wholly there {whole}, found {found}; given {given}, wrong {wrong}; live {live}");
        println!("of these with the default confidence: {}", self.found_by_default);
        println!("of dropped tables whose statement is gone: {}", self.unknown);
        let Self { partly, partly_found, parts_given, parts_wrong, .. } = self;
        println!("partly there {partly}, found {partly_found}; given {parts_given}, wrong {parts_wrong}");
        println!("| confidence from | rows | right |\n|---:|---:|---:|");
        for (least, (rows, right)) in BUCKETS.iter().zip(self.buckets) {
            println!("| {least} | {rows} | {right} |");
        }
    }

    /// What is promised.
    pub(crate) fn check(&self) {
        assert_eq!(self.live, 0, "a live row is given as deleted");
        assert!(self.found * 100 >= self.whole * 99, "{} of {} are found", self.found, self.whole);
        assert!(self.wrong * 100 <= self.given, "{} of {} never were", self.wrong, self.given);
        let sure = self.buckets.iter().zip(BUCKETS).filter(|(_, least)| *least >= 0.9);
        let (rows, right) = sure.fold((0, 0), |sum, (it, _)| (sum.0 + it.0, sum.1 + it.1));
        assert!(right * 10 >= rows * 9, "of {rows} rows with a confidence of 0.9 {right} are right");
    }
}

fn place_named(name: &str) -> &'static str {
    const NAMES: [&str; 8] = [
        "freelist",
        "free-block",
        "unallocated",
        "overflow-slack",
        "wal",
        "journal",
        "unreachable",
        "dropped-table",
    ];
    NAMES.into_iter().find(|it| *it == name).unwrap_or_else(|| panic!("{name} is no place"))
}
