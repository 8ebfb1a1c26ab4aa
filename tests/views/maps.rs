//! The maps of pages, over made-up pages: what is in them, how large they get, and that names are nothing but names.
//!
//! With LITECOPY_MAPS set to a folder, the maps are left there to be looked at.

use std::fs;

use litecopy::inspect::PageUse;
use litecopy::inspect::page_map::{HtmlMap, MapHead, MapOrigin, MapOwner, MapPage, SvgMap};

use crate::scene::Random;

const NAMES: [(&str, &str, usize); 9] = [
    ("events", "events", 46),
    ("messages", "messages", 22),
    ("messages_by_time", "messages", 8),
    ("users", "users", 6),
    ("users_mail", "users", 3),
    ("attachments", "attachments", 9),
    ("search_data", "search", 4),
    ("settings", "settings", 1),
    ("sqlite_schema", "sqlite_schema", 0),
];

/// Pages as a database that lives for a while has them.
fn made_up(count: u32) -> (Vec<MapPage>, Vec<MapOwner>) {
    let mut random = Random(7);
    let mut owners: Vec<MapOwner> = Vec::new();
    for (name, table, _) in NAMES {
        let mut owner = MapOwner::default();
        (owner.name, owner.table, owner.is_index) =
            (name.into(), table.into(), name != table && name != "search_data");
        owners.push(owner);
    }
    let mut pages = Vec::new();
    while pages.len() < count as usize {
        let mut ticket = random.below(100);
        let place = NAMES.iter().position(|&(_, _, share)| {
            let hit = ticket < share;
            ticket = ticket.saturating_sub(share);
            hit
        });
        let run = 1 + random.below(if count > 5_000 { 400 } else { 9 });
        for _ in 0..run {
            let number = u32::try_from(place.unwrap_or(0)).unwrap();
            let from_log = random.below(60) == 0;
            let origin = if from_log {
                MapOrigin::Wal(1 + u32::try_from(random.below(40)).unwrap())
            } else {
                MapOrigin::File
            };
            let used = match random.below(40) {
                0 => PageUse::TableInterior,
                _ if number == 5 => PageUse::Overflow,
                _ if owners[number as usize].is_index => PageUse::IndexLeaf,
                _ => PageUse::TableLeaf,
            };
            let fill = u8::try_from(100 - random.below(60) * random.below(60) / 40).unwrap();
            pages.push(match place {
                None => MapPage { page_use: PageUse::FreelistLeaf, owner: None, fill: None, origin },
                _ => MapPage { page_use: used, owner: Some(number), fill: Some(fill), origin },
            });
        }
    }
    pages.truncate(count as usize);
    pages[0] =
        MapPage { page_use: PageUse::TableLeaf, owner: Some(8), fill: Some(60), origin: MapOrigin::File };
    for page in pages.iter().filter_map(|page| page.owner) {
        owners[page as usize].pages += 1;
        owners[page as usize].entries += 31;
    }
    (pages, owners)
}

fn head(count: u32) -> MapHead {
    MapHead::new("/srv/app/chat.db", 4096, count)
}

fn html(count: u32) -> Vec<u8> {
    let (pages, owners) = made_up(count);
    let mut map = HtmlMap::new(Vec::new(), &head(count)).unwrap();
    pages.iter().for_each(|page| map.page(page).unwrap());
    map.finish(&owners).unwrap()
}

fn svg(count: u32) -> Vec<u8> {
    let (pages, owners) = made_up(count);
    let mut map = SvgMap::new(&head(count));
    pages.iter().for_each(|page| map.page(page));
    let mut picture = Vec::new();
    map.finish(&owners, &mut picture).unwrap();
    picture
}

fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("LITECOPY_MAPS") {
        fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

#[test]
fn a_million_pages_are_a_file_of_two_megabytes_that_needs_no_other() {
    for (count, most) in [(0, 40_000), (100, 40_000), (5_000, 60_000), (1_000_000, 2_000_000)] {
        let html = html(count.max(1));
        keep(&format!("map-{count}.html"), &html);
        assert!(html.len() < most, "{count} pages: {} bytes", html.len());
        let text = String::from_utf8(html).unwrap();
        let words = ["http:", "https:", " src=", "@import", "url("];
        assert!(words.iter().all(|word| !text.contains(word)), "something from elsewhere");
        let digits: usize = text
            .split_once("id=\"pages\">\n")
            .unwrap()
            .1
            .split("</script>")
            .next()
            .unwrap()
            .lines()
            .map(|line| line.split(' ').nth(1).unwrap().len())
            .sum();
        assert_eq!(digits, count.max(1) as usize);
    }
}

#[test]
fn a_picture_for_documents_has_no_more_blocks_than_fit() {
    for count in [1, 100, 4_096, 5_000, 1_000_000] {
        let picture = svg(count);
        keep(&format!("map-{count}.svg"), &picture);
        let text = String::from_utf8(picture).unwrap();
        let blocks = text.matches("fill-opacity").count();
        assert!(blocks <= 4_096 && blocks >= 2_000.min(count as usize), "{count}: {blocks}");
        assert!(text.ends_with("</svg>\n") && (count < 100 || text.contains("events")), "{count}");
    }
}

#[test]
fn a_picture_has_names_as_text() {
    let evil = "<a href=\"x\">&\u{1b}[31m\u{202e}";
    let mut map = SvgMap::new(&MapHead::new(evil, 512, 1));
    map.page(&MapPage {
        page_use: PageUse::TableLeaf,
        owner: Some(0),
        fill: None,
        origin: MapOrigin::Journal,
    });
    let mut owner = MapOwner::default();
    (owner.name, owner.pages) = (evil.into(), 1);
    let mut picture = Vec::new();
    map.finish(&[owner], &mut picture).unwrap();
    let text = String::from_utf8(picture).unwrap();
    assert!(!text.contains("<a ") && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
}
