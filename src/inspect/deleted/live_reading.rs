//! Reads all that is live: the rows, what they have in common, and whose the pages are.

use super::candidate::Candidate;
use super::live_rows::LiveRows;
use super::pace::Pace;
use super::page_places::PagePlaces;
use super::part_rows::PartRows;
use crate::error::Result;
use crate::inspect::Database;
use crate::rows::{MissedPlaces, RecordReader, Rows};
use crate::schema::Schema;
use crate::walk::{FreePage, Walk};

/// What is live in the chosen version.
pub(super) struct Live {
    /// The tables, `sqlite_schema` first, with what their rows look like.
    pub(super) candidates: Vec<Candidate>,
    pub(super) places: PagePlaces,
    pub(super) rows: LiveRows,
}

impl Live {
    /// `None`: it was broken off.
    pub(super) fn read(database: &Database, schema: &Schema, pace: &mut Pace<'_>) -> Result<Option<Self>> {
        let header = database.header();
        let (candidates, rows) = (Vec::new(), LiveRows::default());
        let mut live = Self { candidates, places: PagePlaces::new(database.page_count(), header), rows };
        let Some(mut walk) = live.read_rows(database, schema, pace)? else { return Ok(None) };
        for root in schema.indexes.iter().filter_map(|index| index.root_page) {
            let mut entries = RecordReader::new(root, Some(false), walk.usable_bytes());
            while entries.next(&mut walk)?.is_some() {}
        }
        let (used, chains) = (walk.placed.clone(), walk.chain_pages.take());
        live.places.set_used(&used, chains);
        walk.freelist(|page| match page {
            FreePage::Trunk { page, used_bytes, .. } => live.places.add_trunk(page, used_bytes),
            FreePage::Leaf { page, .. } => live.places.add_free(page),
        })?;
        live.places.sort();
        live.rows.sort();
        Ok(Some(live))
    }

    fn read_rows<'d>(
        &mut self,
        database: &'d Database,
        schema: &Schema,
        pace: &mut Pace<'_>,
    ) -> Result<Option<Walk<'d, MissedPlaces>>> {
        let mut before: Option<Rows<'d>> = None;
        for table in &schema.tables {
            let Ok(reader) = database.read_table(table.clone()) else { continue };
            let mut rows = match before.take() {
                Some(rows) => rows.then(&reader),
                None => reader.rows(),
            };
            if self.candidates.is_empty() {
                rows.keep_chain_pages();
            }
            let number = self.candidates.len();
            let mut candidate = Candidate::new(table.clone(), database.header().text_encoding, false);
            if let Some(root) = table.root_page {
                self.places.own(root, number);
            }
            loop {
                if pace.at(rows.pages_read().into()).is_break() {
                    return Ok(None);
                }
                let Some(row) = rows.next_row()? else { break };
                self.places.own(row.page(), number);
                candidate.shape.learn(row.types());
                self.rows.add(number, row);
            }
            self.candidates.push(candidate);
            before = Some(rows);
        }
        let walk = || Walk::new(database.snapshot(), *database.header(), MissedPlaces::default());
        Ok(Some(before.map_or_else(walk, Rows::into_walk)))
    }
}

/// Takes what is live out of the rows of which only a part was found.
pub(super) fn strike_live(database: &Database, candidates: &[Candidate], parts: &mut PartRows) -> Result<()> {
    for (number, candidate) in candidates.iter().enumerate() {
        if candidate.is_dropped || !parts.has_table(number) {
            continue;
        }
        let Ok(reader) = database.read_table(candidate.table.clone()) else { continue };
        let mut rows = reader.rows();
        while let Some(row) = rows.next_row()? {
            parts.strike(number, row);
        }
    }
    Ok(())
}
