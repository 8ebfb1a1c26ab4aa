//! Colours: a hue for each table, which its indexes share, and one for each use that belongs to nobody.

use super::{MapOwner, PageUse};
use std::collections::BTreeMap;

/// Red, green and blue.
pub type Colour = [u8; 3];

/// The colours of the tables with most pages; the others share a grey.
const TABLES: [Colour; 12] = [
    [59, 130, 246],
    [245, 158, 11],
    [16, 185, 129],
    [236, 72, 153],
    [139, 92, 246],
    [20, 184, 166],
    [249, 115, 22],
    [132, 204, 22],
    [99, 102, 241],
    [217, 70, 239],
    [14, 165, 233],
    [180, 130, 90],
];

const OTHERS: Colour = [148, 150, 160];

/// How much of white an index has in it, in percent.
const INDEX_WHITE: u16 = 42;

/// The colour of a page that belongs to nobody, or is shown by its use.
#[must_use]
pub const fn use_colour(page_use: PageUse) -> Colour {
    match page_use {
        PageUse::TableLeaf => [59, 130, 246],
        PageUse::TableInterior => [30, 64, 175],
        PageUse::IndexLeaf => [245, 158, 11],
        PageUse::IndexInterior => [180, 83, 9],
        PageUse::Overflow => [16, 185, 129],
        PageUse::FreelistTrunk => [112, 118, 128],
        PageUse::FreelistLeaf => [176, 180, 188],
        PageUse::PointerMap => [94, 214, 202],
        PageUse::LockByte => [250, 204, 21],
        PageUse::Unreachable => [220, 38, 38],
        PageUse::Unreadable => [127, 29, 29],
    }
}

/// The colour of each owner: that of its table, and for an index lighter.
#[must_use]
pub fn owner_colours(owners: &[MapOwner]) -> Vec<Colour> {
    let mut pages_of: BTreeMap<&str, u64> = BTreeMap::new();
    for owner in owners {
        *pages_of.entry(&owner.table).or_default() += u64::from(owner.pages);
    }
    let mut tables: Vec<_> = pages_of.into_iter().collect();
    tables.sort_by_key(|&(name, pages)| (std::cmp::Reverse(pages), name));
    let colour_of: BTreeMap<&str, Colour> =
        tables.into_iter().zip(TABLES).map(|((name, _), colour)| (name, colour)).collect();
    let colour = |owner: &MapOwner| {
        let of_table = colour_of.get(owner.table.as_str()).copied().unwrap_or(OTHERS);
        if owner.is_index { of_table.map(|part| mixed(part, INDEX_WHITE)) } else { of_table }
    };
    owners.iter().map(colour).collect()
}

fn mixed(part: u8, percent: u16) -> u8 {
    let part = u16::from(part);
    u8::try_from(part + (255 - part) * percent / 100).unwrap_or(u8::MAX)
}

/// As `#rrggbb`.
pub(super) fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_the_hue_of_its_table_and_the_largest_come_first() {
        let owner = |name: &str, table: &str, pages| MapOwner {
            name: name.to_owned(),
            table: table.to_owned(),
            is_index: name != table,
            pages,
            ..MapOwner::default()
        };
        let mut owners = vec![owner("a", "a", 1), owner("b", "b", 9), owner("i", "b", 3)];
        owners.extend((0..20).map(|n| owner(&format!("t{n}"), &format!("t{n}"), 0)));
        let colours = owner_colours(&owners);
        assert_eq!((colours[1], colours[0]), (TABLES[0], TABLES[1]));
        assert_eq!(colours[2], TABLES[0].map(|part| mixed(part, INDEX_WHITE)));
        assert_eq!((colours.last(), mixed(255, 42), mixed(0, 0)), (Some(&OTHERS), 255, 0));
        assert_eq!(hex([1, 2, 255]), "#0102ff");
    }
}
