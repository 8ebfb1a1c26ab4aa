//! The tables that deleted rows may be of, and the shapes of their records.

use std::sync::Arc;

use super::shape::Shape;
use super::shape_set::ShapeSet;
use crate::format::database_header::TextEncoding;
use crate::rows::RowLayout;
use crate::schema::{Schema, Table};

/// A table that deleted rows may be of.
pub(super) struct Candidate {
    pub(super) table: Table,
    pub(super) layout: Arc<RowLayout>,
    pub(super) shape: Shape,
    /// Whether the table itself was dropped.
    pub(super) is_dropped: bool,
}

impl Candidate {
    pub(super) fn new(table: Table, encoding: TextEncoding, is_dropped: bool) -> Self {
        let layout = Arc::new(RowLayout::new(&table, encoding));
        let shape = Shape::of_table(&table, encoding);
        Self { table, layout, shape, is_dropped }
    }
}

/// The shapes of the tables, by their numbers, and behind them those of the indexes: what looks like an entry of one is no row.
pub(super) fn shapes(candidates: &mut [Candidate], schemas: [&Schema; 2]) -> ShapeSet {
    learn_alike(candidates);
    candidates.iter_mut().for_each(|candidate| candidate.shape.settle());
    let mut shapes: Vec<Shape> = candidates.iter().map(|candidate| candidate.shape.clone()).collect();
    for index in schemas.into_iter().flat_map(|schema| &schema.indexes) {
        let table = candidates.iter().find(|it| it.table.name.eq_ignore_ascii_case(&index.table));
        if let Some(Candidate { table, shape, .. }) = table {
            let mut shape = Shape::of_index(index, table, shape);
            shape.settle();
            shapes.push(shape);
        }
    }
    ShapeSet::new(shapes)
}

/// Lets tables whose columns say the same learn from each other: that one has rows and the other has none speaks for neither.
fn learn_alike(candidates: &mut [Candidate]) {
    let mut groups: Vec<(Shape, Vec<usize>)> = Vec::new();
    for (number, candidate) in candidates.iter().enumerate() {
        match groups.iter_mut().find(|(shape, _)| shape.is_like(&candidate.shape)) {
            Some((shape, members)) => {
                shape.learn_from(&candidate.shape);
                members.push(number);
            }
            None => groups.push((candidate.shape.clone(), vec![number])),
        }
    }
    for (shape, members) in groups {
        for member in members {
            if let Some(candidate) = candidates.get_mut(member) {
                candidate.shape = shape.clone();
            }
        }
    }
}
