//! Whose the pages were: in the file below the log, at each commit of the log, before the transaction that a journal is of.
//!
//! Nothing but this tells apart the rows of tables whose columns say the same. Roots are named by images of the schema, other pages by
//! images of interior pages. Leaves need not be read.

use std::collections::HashMap;

use super::candidate::Candidate;
use super::page_places::PagePlaces;
use super::report::FoundIn;
use super::side_images::SideImages;
use crate::error::Result;
use crate::format::database_header::TextEncoding;
use crate::format::page_set::PageSet;
use crate::format::{BtreePage, PageKind, PageNumber, Record, Value};
use crate::inspect::Database;
use crate::rows::SqlValue;

/// How often the pages of a commit are gone through for the children of interior pages: a b-tree is rarely deeper.
const MOST_LEVELS: usize = 5;

/// Pages with the table that has them.
type Owners = HashMap<PageNumber, usize>;

/// Whose the pages were.
#[derive(Default)]
pub(super) struct FormerOwners {
    below_log: Owners,
    /// Of each side file, of each of its images.
    images: Vec<Vec<Option<usize>>>,
}

impl FormerOwners {
    /// Finds them out, and gives pages that nothing uses now to the table that had them last.
    pub(super) fn find(
        database: &Database,
        candidates: &[Candidate],
        sides: &[(SideImages, FoundIn)],
        places: &mut PagePlaces,
    ) -> Result<Self> {
        let names = candidates.iter().enumerate().rev();
        let by_name = names.map(|(number, it)| (it.table.name.to_ascii_lowercase(), number)).collect();
        let finder = OwnerFinder { database, by_name, encoding: database.header().text_encoding };
        let mut former = Self::default();
        let has_log = sides.iter().any(|(file, place)| *place == FoundIn::Wal && !file.images.is_empty());
        if has_log {
            former.below_log = finder.below_log()?;
        }
        for (file, place) in sides {
            let mut owners = match place {
                FoundIn::Wal => former.below_log.clone(),
                _ => places.owners().collect(),
            };
            former.images.push(finder.of_images(file, &mut owners)?);
            places.own_unused(&owners);
        }
        places.own_unused(&former.below_log);
        Ok(former)
    }

    /// The table that had a page of the file.
    pub(super) fn below_log(&self, page: PageNumber) -> Option<usize> {
        self.below_log.get(&page).copied()
    }

    /// The table that had the page of an image when it was written.
    pub(super) fn of_image(&self, side: usize, image: usize) -> Option<usize> {
        self.images.get(side)?.get(image).copied().flatten()
    }
}

struct OwnerFinder<'d> {
    database: &'d Database,
    by_name: HashMap<String, usize>,
    encoding: TextEncoding,
}

impl OwnerFinder<'_> {
    fn parse<'b>(&self, page: PageNumber, bytes: &'b [u8]) -> Option<BtreePage<'b>> {
        let parsed = BtreePage::parse(bytes, page, self.database.header().usable_bytes()).ok()?;
        parsed.kind.is_table().then_some(parsed)
    }

    /// The owners of the pages as the file alone has them.
    fn below_log(&self) -> Result<Owners> {
        let snapshot = self.database.snapshot();
        let there = u32::try_from(snapshot.pages_there()?).unwrap_or(u32::MAX);
        let (mut owners, mut seen) = (Owners::new(), PageSet::growing(there));
        let mut next = vec![PageNumber::FIRST];
        owners.insert(PageNumber::FIRST, 0);
        let mut bytes = vec![0; self.database.page_size().bytes_usize()];
        while let Some(page) = next.pop() {
            if page.get() > there || !seen.insert(page) {
                continue;
            }
            snapshot.read_below_log(page, &mut bytes)?;
            let (Some(parsed), Some(&owner)) = (self.parse(page, &bytes), owners.get(&page)) else {
                continue;
            };
            if parsed.kind.is_leaf() {
                if owner == 0 {
                    next.extend(self.roots(&parsed, &mut owners));
                }
                continue;
            }
            let children = children(&parsed);
            children.iter().for_each(|&child| {
                owners.entry(child).or_insert(owner);
            });
            // All are of the same level: the last tells whether any has children.
            let is_interior = match children.last().filter(|last| last.get() <= there && owner != 0) {
                Some(&last) => {
                    snapshot.read_below_log(last, &mut bytes)?;
                    bytes.first() == Some(&(PageKind::InteriorTable as u8))
                }
                None => owner == 0,
            };
            next.extend(children.into_iter().filter(|_| is_interior));
        }
        Ok(owners)
    }

    /// The owner of the page of each image; `owners` is brought from before the first commit to behind the last.
    fn of_images(&self, file: &SideImages, owners: &mut Owners) -> Result<Vec<Option<usize>>> {
        let mut found = Vec::with_capacity(file.images.len());
        let mut bytes = vec![0; self.database.page_size().bytes_usize()];
        let before = owners.clone();
        let mut first = 0;
        for commit in file.images.chunk_by(|a, b| a.commit == b.commit) {
            // What is of no commit is older, and lies behind.
            let mut of_none = before.clone();
            let owners = if commit.first().is_some_and(|it| it.commit.is_none()) {
                &mut of_none
            } else {
                &mut *owners
            };
            let mut telling = Vec::new();
            for (place, image) in commit.iter().enumerate() {
                file.read(image, &mut bytes)?;
                if self.parse(image.page, &bytes).is_some_and(|page| !page.kind.is_leaf())
                    || self.is_schema(image.page, owners)
                {
                    telling.push(first + place);
                }
            }
            for _ in 0..MOST_LEVELS.min(telling.len()) {
                for image in telling.iter().filter_map(|&place| file.images.get(place)) {
                    file.read(image, &mut bytes)?;
                    self.learn(image.page, &bytes, owners);
                }
            }
            found.extend(commit.iter().map(|image| owners.get(&image.page).copied()));
            first += commit.len();
        }
        Ok(found)
    }

    fn is_schema(&self, page: PageNumber, owners: &Owners) -> bool {
        page == PageNumber::FIRST || owners.get(&page) == Some(&0)
    }

    /// Takes down what an image tells of other pages.
    fn learn(&self, page: PageNumber, bytes: &[u8], owners: &mut Owners) {
        let Some(parsed) = self.parse(page, bytes) else { return };
        if page == PageNumber::FIRST {
            owners.insert(page, 0);
        }
        if !parsed.kind.is_leaf() {
            if let Some(&owner) = owners.get(&page) {
                owners.extend(children(&parsed).into_iter().map(|child| (child, owner)));
            }
        } else if owners.get(&page) == Some(&0) {
            self.roots(&parsed, owners);
        }
    }

    /// Takes down the roots that a leaf of the schema names.
    fn roots(&self, leaf: &BtreePage<'_>, owners: &mut Owners) -> Vec<PageNumber> {
        let mut roots = Vec::new();
        for payload in leaf.cells().flatten().filter_map(|cell| cell.payload) {
            let Ok(record) = Record::parse_start(payload.local, payload.payload_bytes.into()) else {
                continue;
            };
            // The statement may not be there in full; what comes before it is.
            let values: Vec<Value<'_>> = record.values().take(4).map_while(std::result::Result::ok).collect();
            let [Value::Text(kind), Value::Text(name), _, Value::Integer(root)] = values.as_slice() else {
                continue;
            };
            let text = |bytes| {
                SqlValue::from_stored(Value::Text(bytes), self.encoding).as_str().map(str::to_ascii_lowercase)
            };
            let owner = text(name)
                .and_then(|name| self.by_name.get(&name))
                .filter(|_| text(kind).as_deref() == Some("table"));
            let root = u32::try_from(*root).ok().and_then(PageNumber::new);
            if let (Some(&owner), Some(root)) = (owner, root) {
                owners.insert(root, owner);
                roots.push(root);
            }
        }
        roots
    }
}

fn children(page: &BtreePage<'_>) -> Vec<PageNumber> {
    page.cells().flatten().filter_map(|cell| cell.left_child).chain(page.right_child).collect()
}
