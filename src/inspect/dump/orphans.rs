//! Pages of tables that no interior page leads to any more, and whose they are.
//!
//! Where an interior page is broken, the leaves below it are whole all the same. A leaf that has no place in any b-tree, and is not
//! free, is such an orphan. It goes to a table at which something was missed, if that is the only one of those that its rows fit:
//! as many fields as columns, and values that the columns can hold. All others go to the table of what is lost.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Result;
use crate::format::database_header::TextEncoding;
use crate::format::{BtreePage, PageKind, PageNumber};
use crate::rows::{Missed, MissedPlaces, RecordReader, Row, RowLayout, SqlValue, StoredRecord};
use crate::schema::{Affinity, Schema, Table};
use crate::walk::{PageReader, Walk, salvage_cells};

/// The orphans of a database.
pub(super) struct Orphans<'d> {
    walk: Walk<'d, MissedPlaces>,
    reader: PageReader,
    encoding: TextEncoding,
    /// The leaves, in page order, and the top of the tree that each is in.
    leaves: Vec<(PageNumber, PageNumber)>,
    wounded: Vec<Table>,
    /// Whether tables may be missing in the schema.
    schema_is_wounded: bool,
}

impl<'d> Orphans<'d> {
    /// Looks for them, when all tables have been walked.
    pub(super) fn find(
        mut walk: Walk<'d, MissedPlaces>,
        schema: &Schema,
        mut wounded: Vec<Table>,
        encoding: TextEncoding,
    ) -> Result<Self> {
        let schema_is_wounded = wounded.iter().any(|table| table.root_page == Some(PageNumber::FIRST));
        wounded.retain(|table| table.root_page != Some(PageNumber::FIRST));
        walk.sink = MissedPlaces::default();
        walk.freelist(|_| {})?;
        // With a broken freelist, pages that were freed long ago look like orphans: none of them is taken for rows of a table.
        let wounded = if walk.sink.count == 0 { wounded } else { Vec::new() };
        walk.sink = MissedPlaces::default();
        let mut orphans = Self {
            walk,
            reader: PageReader::default(),
            encoding,
            leaves: Vec::new(),
            wounded,
            schema_is_wounded,
        };
        orphans.collect_leaves(schema)?;
        Ok(orphans)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    pub(super) fn missed(&self) -> &[Missed] {
        &self.walk.sink.told
    }

    pub(super) fn missed_count(&self) -> u64 {
        self.walk.sink.count
    }

    fn collect_leaves(&mut self, schema: &Schema) -> Result<()> {
        let mut parents: HashMap<PageNumber, PageNumber> = HashMap::new();
        let page_count = self.walk.snapshot.page_count();
        // The rows of a WITHOUT ROWID table look like entries of an index.
        let with_keys = self.schema_is_wounded || self.wounded.iter().any(|table| table.without_rowid);
        let mut next = Some(PageNumber::FIRST);
        while let Some(number) = next.filter(|number| number.get() <= page_count) {
            next = number.next();
            if self.walk.placed.contains(number) {
                continue;
            }
            let kind = self.page(number).map(|page| page.kind);
            match kind {
                Some(PageKind::LeafTable) => self.leaves.push((number, number)),
                Some(PageKind::LeafIndex | PageKind::InteriorIndex) if with_keys => {
                    self.leaves.push((number, number));
                }
                Some(PageKind::InteriorTable) => {
                    let children: Vec<PageNumber> =
                        self.page(number).map(|page| children(&page)).unwrap_or_default();
                    for child in children.into_iter().filter(|child| !self.walk.placed.contains(*child)) {
                        parents.entry(child).or_insert(number);
                    }
                }
                _ => {}
            }
        }
        if self.leaves.is_empty() {
            return Ok(());
        }
        self.place_indexes(schema)?;
        for (leaf, _) in std::mem::take(&mut self.leaves) {
            self.leaves.push((leaf, top_of(leaf, &parents)));
        }
        Ok(())
    }

    /// A page of the overflow chain of an index may look like a leaf: the indexes get their places now, when it matters.
    fn place_indexes(&mut self, schema: &Schema) -> Result<()> {
        let roots = schema.indexes.iter().filter_map(|index| index.root_page);
        for root in roots {
            let mut entries = RecordReader::new(root, Some(false), self.walk.usable_bytes());
            while entries.next(&mut self.walk)?.is_some() {}
        }
        let index_is_broken = self.walk.sink.count > 0;
        self.walk.sink = MissedPlaces::default();
        for (leaf, top) in std::mem::take(&mut self.leaves) {
            // Entries that a broken index has lost are no rows.
            let is_key = self.page(leaf).is_some_and(|page| !page.kind.is_table());
            if self.walk.placed.contains(leaf) || (is_key && index_is_broken) {
                continue;
            }
            self.leaves.push((leaf, top));
        }
        Ok(())
    }

    fn page(&mut self, number: PageNumber) -> Option<BtreePage<'_>> {
        let usable_bytes = self.walk.usable_bytes();
        let bytes = self.reader.read(self.walk.snapshot, number).ok()?;
        BtreePage::parse(bytes, number, usable_bytes).ok()
    }

    /// Gives each row to `visit`: with the table that it fits, or with the top of the tree that its leaf is in.
    pub(super) fn each_row(
        &mut self,
        mut visit: impl FnMut(std::result::Result<&Table, PageNumber>, &Row) -> Result<()>,
    ) -> Result<()> {
        let wounded = std::mem::take(&mut self.wounded);
        for (leaf, top) in std::mem::take(&mut self.leaves) {
            let rows = self.rows_of(leaf)?;
            let mut fitting = wounded.iter().filter(|table| rows.iter().all(|row| fits(row, table)));
            match (fitting.next(), fitting.next()) {
                (Some(table), None) => {
                    let layout = Arc::new(RowLayout::new(table, self.encoding));
                    for row in rows {
                        visit(Ok(table), &row.with_layout(Arc::clone(&layout)))?;
                    }
                }
                _ if looks_like_an_index(&rows) => {}
                _ => rows.iter().try_for_each(|row| visit(Err(top), row))?,
            }
        }
        Ok(())
    }

    /// The rows of a leaf, with their columns by position.
    fn rows_of(&mut self, leaf: PageNumber) -> Result<Vec<Row>> {
        let layout = Arc::new(RowLayout::new(&Table::from_sql("", ""), self.encoding));
        let bytes = self.reader.read(self.walk.snapshot, leaf)?.to_vec();
        let Some(page) = BtreePage::salvage(&bytes, leaf, self.walk.usable_bytes()) else {
            return Ok(Vec::new());
        };
        let (mut rows, mut payload) = (Vec::new(), Vec::new());
        let (mut cells, mut faults) = (Vec::new(), Vec::new());
        salvage_cells(page, leaf, &mut faults, |index, cell| cells.push((index, *cell)));
        faults.iter().for_each(|fault| self.walk.sink.add_fault(fault));
        for (index, cell) in cells {
            if !self.walk.whole_payload((index, &cell), leaf, &mut payload)? {
                continue;
            }
            let mut row = Row::new(Arc::clone(&layout));
            let record =
                StoredRecord { page: leaf, offset: cell.offset, rowid: cell.rowid, payload: &payload };
            match row.set(&record) {
                Ok(()) => rows.push(row),
                Err(damage) => self.walk.sink.add(leaf, Some(cell.offset), damage),
            }
        }
        Ok(rows)
    }
}

fn children(page: &BtreePage<'_>) -> Vec<PageNumber> {
    let cells = page.cells().filter_map(|cell| cell.ok()?.left_child);
    cells.chain(page.right_child).collect()
}

/// The highest page above this one; where they lead in a circle, one of it.
fn top_of(leaf: PageNumber, parents: &HashMap<PageNumber, PageNumber>) -> PageNumber {
    /// No b-tree is deeper.
    const MOST_DEPTH: u32 = 20;
    let mut top = leaf;
    for _ in 0..MOST_DEPTH {
        let Some(&parent) = parents.get(&top) else { break };
        top = parent;
    }
    top
}

/// Whether these are entries of an index that the schema has lost: each ends with a rowid.
fn looks_like_an_index(rows: &[Row]) -> bool {
    let ends_with_rowid = |row: &Row| {
        let last = row.len().checked_sub(1).map(|last| row.value(last));
        row.rowid().is_none() && matches!(last, Some(SqlValue::Integer(_)))
    };
    rows.iter().all(ends_with_rowid)
}

/// Whether a row, with its columns by position, can be one of this table.
fn fits(row: &Row, table: &Table) -> bool {
    let stored = table.stored_columns();
    if table.without_rowid != row.rowid().is_none() || row.len() > stored.len() {
        return false;
    }
    let holds = |(field, &index): (usize, &usize)| {
        let Some(column) = table.columns.get(index) else { return false };
        if field >= row.len() {
            return !column.not_null || column.default.is_some();
        }
        let value = row.value(field);
        if table.rowid_column == Some(index) {
            return value == SqlValue::Null;
        }
        match (&value, column.affinity) {
            (SqlValue::Null, _) => !column.not_null,
            (SqlValue::Integer(_) | SqlValue::Real(_), Affinity::Text) => false,
            (SqlValue::Text(_) | SqlValue::InvalidText(_), affinity) if table.strict => {
                matches!(affinity, Affinity::Text | Affinity::Blob)
            }
            (SqlValue::Text(text), Affinity::Integer | Affinity::Real | Affinity::Numeric) => {
                text.parse::<f64>().is_err()
            }
            _ => true,
        }
    };
    stored.iter().enumerate().all(holds)
}
