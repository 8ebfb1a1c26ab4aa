//! Goes through everything once, in order: header, schema, freelist, pointer map, b-trees, what is left, and counts.

use super::digests;
use super::fields::LONGEST_BYTES;
use super::findings::Findings;
use super::plan::Plan;
use super::report::{CheckOptions, CheckProgress, CheckReport, PROGRESS_PAGES};
use super::side_by_side::check_sound_trees;
use super::side_files::tell_side_files;
use super::tree::TreeCheck;
use crate::error::Result;
use crate::format::lock_bytes::lock_byte_page;
use crate::format::page_set::PageSet;
use crate::format::{Damage, PageNumber};
use crate::inspect::Database;
use crate::schema::{Schema, SchemaEntry, SchemaFault, schema_faults};
use crate::walk::{FindingKind, Walk};
use std::collections::HashSet;

/// A page, and an offset in it in bytes.
type Place = (Option<PageNumber>, Option<u32>);

/// Where in the header the largest root page stands, and whether vacuum is incremental.
const LARGEST_ROOT_OFFSET: u32 = 52;
const INCREMENTAL_OFFSET: u32 = 64;

/// The highest schema format that SQLite reads.
const HIGHEST_SCHEMA_FORMAT: u8 = 4;

/// Checks a database, without an engine: that each page is used exactly once, that pages and records can be decoded and keys are in
/// order, and that indexes hold what their tables do. [inspection.md#what-check-looks-at](crate::notes::inspection#what-check-looks-at)
///
/// It goes on behind what it finds. `progress` is told how far it has come.
///
/// # Errors
///
/// Whatever keeps the files from being read. Damage is none: it is in the report.
///
/// ```no_run
/// use litecopy::inspect::{self, CheckOptions};
/// use litecopy::{Database, Source};
///
/// let mut database = Database::open(Source::open("app.db")?, None)?;
/// let options = CheckOptions::new().quick(true);
/// let report = database.report(|database| inspect::check(database, &options, |_| {}))?;
/// for finding in &report.findings {
///     println!("page {:?}: {}", finding.page, finding.detail);
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn check(
    database: &Database,
    options: &CheckOptions,
    mut progress: impl FnMut(CheckProgress),
) -> Result<CheckReport> {
    let mut findings = Findings::new(options.all);
    let mut not_checked = Vec::new();
    if database.page_count() > 0 {
        let (schema, places) = read_schema(database, &mut findings)?;
        let plan = Plan::new(&schema, database.header().schema_format_number());
        tell_schema(&schema, &places, &mut findings);
        not_checked.clone_from(&plan.not_checked);
        findings = check_pages(database, options, &plan, findings, &mut not_checked, &mut progress)?;
    }
    if options.quick {
        not_checked.extend(["index-entry", "unique"].map(str::to_owned));
    }
    if database.as_of() == Some(0) {
        not_checked.extend(["wal", "journal"].map(str::to_owned));
    } else {
        tell_side_files(database, &mut findings, &mut not_checked)?;
    }
    let (sound, findings, cut) = findings.into_parts();
    Ok(CheckReport {
        path: database.path().to_owned(),
        page_size: database.page_size().bytes(),
        page_count: database.page_count(),
        as_of: database.as_of(),
        sound,
        findings,
        cut,
        not_checked,
    })
}

/// Reads the schema. Of its pages, only what is wrong with rows is told: the rest will be when all pages are looked at.
/// Gives where each of its entries lies, too.
fn read_schema(database: &Database, findings: &mut Findings) -> Result<(Schema, Vec<Place>)> {
    findings.owner = Some("sqlite_schema".into());
    let (mut entries, mut places) = (Vec::new(), Vec::new());
    let encoding = database.header().text_encoding;
    let mut wrong = Vec::new();
    let mut walk = Walk::new(database.snapshot(), *database.header(), |fault: crate::walk::Fault| {
        if fault.kind == FindingKind::Schema || fault.kind == FindingKind::Record {
            wrong.push(fault);
        }
    });
    walk.schema_rows(|row| {
        let entry = SchemaEntry::from(row.columns(encoding)?);
        let damage = root_damage(&entry, database.page_count());
        entries.push(entry);
        places.push((Some(row.page), Some(row.offset)));
        damage.map_or(Ok(()), Err)
    })?;
    for fault in wrong {
        crate::walk::FaultSink::tell(findings, fault.of_kind(FindingKind::Schema), database.snapshot())?;
    }
    Ok((Schema::new(entries), places))
}

/// What cannot be in a row of the schema.
fn root_damage(entry: &SchemaEntry, page_count: u32) -> Option<Damage> {
    let found = entry.root_page.unwrap_or_default();
    let can_be = match entry.kind.as_str() {
        "table" => (0..=i64::from(page_count)).contains(&found) && found != 1,
        "index" => (2..=i64::from(page_count)).contains(&found),
        "view" | "trigger" => found == 0,
        _ => {
            let found = "none of `table`, `index`, `view` and `trigger`";
            return Some(Damage::SchemaColumn { column: "type", found });
        }
    };
    (!can_be).then_some(Damage::SchemaRoot { found, page_count })
}

/// Tells which rows of the schema SQLite refuses, and which statements cannot be read here.
fn tell_schema(schema: &Schema, places: &[Place], findings: &mut Findings) {
    let mut refused = HashSet::new();
    for SchemaFault { entry, words } in schema_faults(schema) {
        let name = schema.entries.get(entry).map(|entry| entry.name.as_str()).unwrap_or_default();
        findings.owner = Some(name.into());
        findings.damage(FindingKind::Schema, places.get(entry).copied().unwrap_or_default(), words);
        refused.insert(name);
    }
    let tables = schema.tables.iter().map(|table| (&table.name, &table.note));
    let indexes = schema.indexes.iter().map(|index| (&index.name, &index.note));
    for (name, note) in tables.chain(indexes).filter(|(name, _)| !refused.contains(name.as_str())) {
        if let Some(note) = note {
            findings.owner = Some(name.as_str().into());
            findings.damage(FindingKind::Schema, (None, None), note.clone());
        }
    }
    findings.owner = None;
}

fn check_pages(
    database: &Database,
    options: &CheckOptions,
    plan: &Plan,
    mut findings: Findings,
    not_checked: &mut Vec<String>,
    progress: &mut impl FnMut(CheckProgress),
) -> Result<Findings> {
    let page_count = database.page_count();
    check_header(database, plan, &mut findings)?;
    let mut walk = Walk::new(database.snapshot(), *database.header(), findings);
    walk.check_pointers();
    walk.freelist(|_| {})?;
    walk.pointer_map_pages(|_, _| {});
    let seen = (database.snapshot(), database.header());
    let tree_check = match check_sound_trees(seen, options, plan, &walk.placed, progress) {
        Some((tree_check, placed)) => {
            walk.placed = placed;
            tree_check
        }
        None => check_trees_in_order(&mut walk, options, plan, progress)?,
    };
    progress(CheckProgress { done: page_count, page_count });
    let mut findings = walk.sink;
    findings.owner = None;
    tell_unused(database, &walk.placed, &mut findings);
    if tree_check.has_long_records {
        not_checked.push(format!("records of more than {LONGEST_BYTES} bytes"));
    }
    compare_counts(database, options, plan, &tree_check, &mut findings)?;
    Ok(findings)
}

fn check_trees_in_order<'p>(
    walk: &mut Walk<'_, Findings>,
    options: &CheckOptions,
    plan: &'p Plan,
    progress: &mut impl FnMut(CheckProgress),
) -> Result<TreeCheck<'p>> {
    let mut tree_check = TreeCheck::new(plan, walk.header().text_encoding, options.quick);
    let (mut done, page_count) = (0, walk.snapshot.page_count());
    for tree in &plan.trees {
        walk.sink.owner = Some(tree.owner.clone());
        tree_check.check(tree, walk, || {
            done += 1;
            if done % PROGRESS_PAGES == 0 {
                progress(CheckProgress { done, page_count });
            }
        })?;
    }
    Ok(tree_check)
}

fn check_header(database: &Database, plan: &Plan, findings: &mut Findings) -> Result<()> {
    let first = |offset| (Some(PageNumber::FIRST), offset);
    let header = database.header();
    for damage in database.header_damage() {
        let kind = match damage {
            Damage::PageCountBeyondFile { .. } => FindingKind::PageCount,
            _ => FindingKind::Header,
        };
        findings.damage(kind, first(None), damage.to_string());
    }
    if header.schema_format_number() > HIGHEST_SCHEMA_FORMAT {
        let detail = format!("schema format {}, 4 is the highest", header.schema_format);
        findings.damage(FindingKind::Header, first(Some(44)), detail);
    }
    let largest = plan.trees.iter().map(|tree| tree.root).max();
    if let Some(stated) = header.largest_root_page {
        if largest.is_some_and(|largest| largest != stated) {
            let largest = largest.map_or(0, PageNumber::get);
            let detail = format!("largest root page {stated} by the header, {largest} by the schema");
            findings.damage(FindingKind::PointerMap, first(Some(LARGEST_ROOT_OFFSET)), detail);
        }
    } else if header.incremental_vacuum != 0 {
        let detail = "incremental vacuum without a pointer map";
        findings.damage(FindingKind::Header, first(Some(INCREMENTAL_OFFSET)), detail);
    }
    match database.snapshot().bytes_behind()? {
        0 => {}
        bytes => {
            let detail = format!("{bytes} bytes in the file behind the last page");
            findings.note(FindingKind::PageCount, (None, None), detail);
        }
    }
    Ok(())
}

/// Tells of each page that nothing leads to.
fn tell_unused(database: &Database, placed: &PageSet, findings: &mut Findings) {
    let lock_byte_page = lock_byte_page(database.page_size());
    let mut next = Some(PageNumber::FIRST);
    while let Some(page) = next.filter(|page| page.get() <= database.page_count()) {
        let left = database.page_count() - page.get() + 1;
        let (is_placed, length) = placed.stretch(page, left);
        next = page.checked_add(length);
        let unused = (0..length).filter(|_| !is_placed).filter_map(|distance| page.checked_add(distance));
        for page in unused.filter(|&page| page != lock_byte_page) {
            if findings.is_full() {
                return findings.cut();
            }
            findings.damage(FindingKind::PageUnused, (Some(page), None), "nothing leads to it");
        }
    }
}

/// Each index has as many entries as its table has rows, and just those; a partial one only those of some rows.
fn compare_counts(
    database: &Database,
    options: &CheckOptions,
    plan: &Plan,
    tree_check: &TreeCheck<'_>,
    findings: &mut Findings,
) -> Result<()> {
    for (number, index) in plan.indexes.iter().enumerate() {
        let place = index.table.filter(|_| !index.sources.is_empty());
        let Some((place, table)) = place.and_then(|place| Some((place, plan.tables.get(place)?))) else {
            continue;
        };
        findings.owner = Some(index.name.clone());
        let rows = tree_check.rows.get(place).copied().unwrap_or_default();
        let entries = tree_check.entries.get(number).copied().unwrap_or_default();
        if rows != entries && !index.is_partial {
            let detail = format!("{entries} entries for {rows} rows");
            findings.damage(FindingKind::IndexEntryCount, (Some(index.root), None), detail);
        }
        if options.quick || tree_check.has_long_records {
            continue;
        }
        let differs = tree_check.records.sums.get(number).is_some_and(|&sum| sum != 0);
        match (index.is_partial, differs, findings.is_full()) {
            (true, _, false) => digests::locate_strays(database, table, index, findings)?,
            (false, true, false) => digests::locate(database, table, index, findings)?,
            (false, true, true) => findings.cut(),
            _ => {}
        }
    }
    findings.owner = None;
    Ok(())
}
