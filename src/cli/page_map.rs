//! The map of pages on a terminal: coloured blocks fitted to its width, whom they belong to, and totals.
//!
//! Where there are no colours, each table and index has a letter instead.

use litecopy::PageSize;
use litecopy::inspect::page_map::{
    Block, BlockMap, Colour, MapHead, MapOwner, MapPage, owner_colours, use_colour,
};
use litecopy::inspect::{PageUse, PagesReport};

use super::numbers::{counted, grouped, size};
use super::paint::Paint;
use super::printable::printable;

/// How many lines of blocks there are at most.
const MOST_LINES: usize = 24;
/// Room for the number of a line's first page.
const MARGIN: usize = 12;
/// How many owners the legend names.
const MOST_OWNERS: usize = 16;
/// The longest name in the legend, in characters.
const MOST_NAME: usize = 32;
/// The widest bar of an owner's share, and what stands beside name and bar in a line.
const BAR: usize = 16;
const BESIDE_BAR: usize = 34;

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The lines of the map.
pub(crate) fn lines(report: &PagesReport, head: &MapHead, paint: Paint) -> Vec<String> {
    let width = paint.width.saturating_sub(MARGIN + 1).max(8);
    // Few pages are shown larger.
    let cell = if head.page_count as usize <= width / 2 * (MOST_LINES / 2) { 2 } else { 1 };
    let columns = width / cell;
    let most = u32::try_from(columns * MOST_LINES).unwrap_or(u32::MAX);
    let mut map = BlockMap::new(head, most);
    report.iter().for_each(|page| map.page(&MapPage::new(&page, report)));
    let owners = MapOwner::all(report);
    let legend = Legend::new(&owners, paint);

    let mut lines = vec![title(head, &map, paint), String::new()];
    for line in map.blocks().chunks(columns) {
        let first = line.first().map_or(0, |block| block.first_page);
        let number = paint.dim(&format!("{:>width$}  ", grouped(first.into()), width = MARGIN - 2));
        let blocks: String = runs(line, |block| legend.sign(block, cell), paint);
        lines.push(format!("{number}{blocks}"));
    }
    lines.push(String::new());
    lines.extend(legend.lines(head, &map));
    lines
}

/// Signs of equal colour are painted together.
fn runs(blocks: &[Block], sign: impl Fn(&Block) -> (Option<Colour>, String), paint: Paint) -> String {
    let mut text = String::new();
    let mut run: (Option<Colour>, String) = (None, String::new());
    for block in blocks {
        let (colour, sign) = sign(block);
        if colour != run.0 {
            text.push_str(&painted(&run, paint));
            run = (colour, String::new());
        }
        run.1.push_str(&sign);
    }
    text + &painted(&run, paint)
}

fn painted((colour, text): &(Option<Colour>, String), paint: Paint) -> String {
    colour.map_or_else(|| text.clone(), |colour| paint.coloured(colour, text))
}

fn title(head: &MapHead, map: &BlockMap, paint: Paint) -> String {
    let bytes = PageSize::new(head.page_size).map_or(0, |size| size.bytes_of(head.page_count));
    let block = match map.pages_per_block() {
        1 => "a block is a page".to_owned(),
        pages => format!("a block is {} pages", grouped(pages.into())),
    };
    format!(
        "{}: {} of {} bytes, {}; {block}",
        paint.bold(&head.title),
        counted(head.page_count.into(), "page", "pages"),
        grouped(head.page_size.into()),
        size(bytes),
    )
}

/// What the signs mean.
struct Legend<'o> {
    owners: &'o [MapOwner],
    colours: Vec<Colour>,
    /// The owners that have pages, those with most first.
    order: Vec<usize>,
    /// For each owner its place among these.
    rank: Vec<usize>,
    paint: Paint,
}

impl<'o> Legend<'o> {
    fn new(owners: &'o [MapOwner], paint: Paint) -> Self {
        let mut order: Vec<_> = (0..owners.len()).collect();
        order.retain(|&index| owners.get(index).is_some_and(|owner| owner.pages > 0));
        order.sort_by_key(|&index| std::cmp::Reverse(owners.get(index).map_or(0, |owner| owner.pages)));
        let mut rank = vec![usize::MAX; owners.len()];
        for (place, &index) in order.iter().enumerate() {
            if let Some(rank) = rank.get_mut(index) {
                *rank = place;
            }
        }
        Self { owners, colours: owner_colours(owners), order, rank, paint }
    }

    fn sign(&self, block: &Block, cell: usize) -> (Option<Colour>, String) {
        let Some(owner) = block.owner.map(|owner| owner as usize) else {
            let (colour, sign) = self.sign_of_use(block.page_use);
            return (colour, sign.repeat(cell));
        };
        if self.paint.has_colours() {
            let shade = match block.fill.unwrap_or(100) {
                75.. => "\u{2588}",
                50..75 => "\u{2593}",
                25..50 => "\u{2592}",
                _ => "\u{2591}",
            };
            (self.colours.get(owner).copied(), shade.repeat(cell))
        } else {
            (None, self.letter(owner).to_string().repeat(cell))
        }
    }

    fn letter(&self, owner: usize) -> char {
        self.rank.get(owner).and_then(|&rank| LETTERS.get(rank)).map_or('*', |&letter| char::from(letter))
    }

    fn sign_of_use(&self, page_use: PageUse) -> (Option<Colour>, &'static str) {
        let sign = match page_use {
            PageUse::FreelistLeaf => "\u{b7}",
            PageUse::FreelistTrunk => ":",
            PageUse::PointerMap => "+",
            PageUse::LockByte => "=",
            PageUse::Unreachable => "?",
            _ => "!",
        };
        (self.paint.has_colours().then(|| use_colour(page_use)), sign)
    }

    fn lines(&self, head: &MapHead, map: &BlockMap) -> Vec<String> {
        let mut lines = Vec::new();
        let page_count = head.page_count;
        let shown = || {
            self.order.iter().take(MOST_OWNERS).filter_map(|&index| Some((index, self.owners.get(index)?)))
        };
        let width = shown().map(|(_, owner)| name_of(owner).chars().count()).max().unwrap_or(0);
        let bar_cells = self.paint.width.saturating_sub(width + BESIDE_BAR).min(BAR);
        for (index, owner) in shown() {
            let colour = self.colours.get(index).copied().filter(|_| self.paint.has_colours());
            let sign = if colour.is_some() {
                "\u{2588}\u{2588}".to_owned()
            } else {
                format!(" {}", self.letter(index))
            };
            let name = format!("{:<width$}", name_of(owner));
            let bar = bar(owner.pages, page_count, bar_cells);
            lines.push(format!(
                "  {} {name} {:>9} {:>6}  {} {:>3}% full",
                painted(&(colour, sign), self.paint),
                grouped(owner.pages.into()),
                percent(owner.pages, page_count),
                painted(&(colour, bar), self.paint),
                owner.fill_percent,
            ));
        }
        if let Some(more) = self.order.len().checked_sub(MOST_OWNERS).filter(|&more| more > 0) {
            let rest = self.order.iter().skip(MOST_OWNERS).filter_map(|&index| self.owners.get(index));
            let pages = rest.fold(0_u32, |sum, owner| sum.saturating_add(owner.pages));
            let words = format!("and {} more", grouped(more as u64));
            lines.push(format!(
                "     {words:<width$} {:>9} {:>6}",
                grouped(pages.into()),
                percent(pages, page_count)
            ));
        }
        for &page_use in PageUse::ALL.iter().skip(5) {
            let pages = map.count(page_use);
            // Those that belong to somebody are among his.
            if pages > 0 {
                let (colour, sign) = self.sign_of_use(page_use);
                let sign = painted(&(colour, format!(" {sign}")), self.paint);
                let name = page_use.name();
                lines.push(format!(
                    "  {sign} {name:<width$} {:>9} {:>6}",
                    grouped(pages.into()),
                    percent(pages, page_count)
                ));
            }
        }
        if map.overlaid_count() > 0 {
            let pages = counted(map.overlaid_count().into(), "page", "pages");
            lines.push(String::new());
            lines.push(format!("  {pages} of these come from the log or a journal"));
        }
        if self.paint.has_colours() {
            lines.push(
                self.paint
                    .dim("  \u{2588} full  \u{2593} over a half  \u{2592} over a quarter  \u{2591} less"),
            );
        }
        lines
    }
}

fn name_of(owner: &MapOwner) -> String {
    let mut name = printable(&owner.name);
    if let Some((cut, _)) = name.char_indices().nth(MOST_NAME) {
        name.truncate(cut);
        name.push('\u{2026}');
    }
    if owner.is_index { name + " (index)" } else { name }
}

fn percent(part: u32, whole: u32) -> String {
    let tenths = (u64::from(part) * 1000).checked_div(whole.into()).unwrap_or(0);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// As long as the share is large, of so many cells at most; never empty.
fn bar(part: u32, whole: u32, most: usize) -> String {
    let cells = (u64::from(part) * most as u64).div_ceil(u64::from(whole).max(1));
    let cells = usize::try_from(cells).unwrap_or(most).min(most);
    format!("{:<most$}", "\u{2587}".repeat(cells))
}

#[cfg(test)]
mod tests {
    use super::*;
    use litecopy::{Database, Source, inspect};
    use rusqlite::Connection;

    /// The lines of a database whose table has an evil name, and has pages of all fills.
    fn lines_of(paint: Paint) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let sqlite = Connection::open(&path).unwrap();
        sqlite
            .execute_batch(
                "PRAGMA page_size = 512; CREATE TABLE \"evil \x1b[31m\n\u{202e}\"(a); CREATE TABLE t(b);
                 INSERT INTO t VALUES (zeroblob(90000)), (zeroblob(20)); INSERT INTO t SELECT zeroblob(100) FROM t;
                 CREATE TABLE gone(c); INSERT INTO gone VALUES (zeroblob(3000)); DROP TABLE gone",
            )
            .unwrap();
        let mut database = Database::open(Source::open(&path).unwrap(), None).unwrap();
        let report = database.report(inspect::pages).unwrap();
        lines(&report, &MapHead::new("a.db", 512, report.page_count()), paint)
    }

    /// What is left of a line when its colours are taken away; that they end with it is asserted.
    fn without_colours(line: &str) -> String {
        let mut plain = String::new();
        let mut parts = line.split('\u{1b}');
        plain.push_str(parts.next().unwrap());
        let mut last = "[0m";
        for part in parts {
            let (code, text) = part.split_once('m').unwrap();
            assert!(
                code.starts_with('[') && code[1..].chars().all(|c| c.is_ascii_digit() || c == ';'),
                "{line:?}"
            );
            plain.push_str(text);
            last = &part[..=code.len()];
        }
        assert_eq!(last, "[0m", "{line:?}");
        plain
    }

    #[test]
    fn lines_fit_with_colours_and_without_and_names_do_nothing() {
        for width in [40, 80, 200] {
            for paint in [Paint::plain(width), Paint::in_colour(width)] {
                let lines = lines_of(paint);
                let plain: Vec<_> = lines.iter().map(|line| without_colours(line)).collect();
                let map = plain.iter().skip(2).take_while(|line| !line.is_empty());
                for line in map.clone() {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
                assert!(map.count() <= MOST_LINES);
                let text = plain.join("\n");
                assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
                assert!(text.contains("evil \\u{1b}[31m\\n\\u{202e}"), "{text}");
                assert!(text.contains("freelist-leaf"), "{text}");
                assert_eq!(text.contains('\u{2591}'), paint.has_colours(), "{text}");
            }
        }
    }
}
