//! The map for documents: a picture of blocks, the legend below it.

use super::blocks::{Block, BlockMap};
use super::palette::{Colour, hex, owner_colours, use_colour};
use super::{MapHead, MapOwner, MapPage, PageUse};
use std::io::{self, Write};

/// What the picture has room for.
const MOST_BLOCKS: u32 = 4096;
/// The width of the blocks together.
const WIDTH: u32 = 960;
const MARGIN: u32 = 24;
const HEAD: u32 = 64;
const LEGEND_ROW: u32 = 22;
const LEGEND_COLUMNS: usize = 3;
/// How many owners the legend names.
const MOST_OWNERS: usize = 24;
/// The longest name in the legend, in characters.
const MOST_NAME: usize = 28;

/// Draws a map as SVG: pages are given one by one, and the owners at the end.
///
/// ```
/// use litecopy::inspect::PageUse;
/// use litecopy::inspect::page_map::{MapHead, MapOrigin, MapPage, SvgMap};
///
/// let mut map = SvgMap::new(&MapHead::new("app.db", 4096, 1));
/// map.page(&MapPage { page_use: PageUse::FreelistLeaf, owner: None, fill: None, origin: MapOrigin::File });
/// let mut picture = Vec::new();
/// map.finish(&[], &mut picture)?;
/// assert!(picture.starts_with(b"<svg "));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SvgMap {
    head: MapHead,
    blocks: BlockMap,
}

impl SvgMap {
    /// Of the pages that will be given.
    #[must_use]
    pub fn new(head: &MapHead) -> Self {
        Self { head: head.clone(), blocks: BlockMap::new(head, MOST_BLOCKS) }
    }

    /// Takes the next page.
    pub fn page(&mut self, page: &MapPage) {
        self.blocks.page(page);
    }

    /// Writes the picture.
    ///
    /// # Errors
    ///
    /// What `out` gives.
    pub fn finish(mut self, owners: &[MapOwner], out: &mut impl Write) -> io::Result<()> {
        let colours = owner_colours(owners);
        let legend = legend(owners, &colours, &self.blocks);
        let grid = Grid::new(self.blocks.blocks().len());
        let legend_rows = u32::try_from(legend.len().div_ceil(LEGEND_COLUMNS)).unwrap_or(u32::MAX);
        let legend_top = HEAD + grid.height() + MARGIN;
        let height = legend_top + legend_rows * LEGEND_ROW + MARGIN;
        let width = WIDTH + 2 * MARGIN;
        write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"system-ui,sans-serif\" font-size=\"13\" role=\"img\">\n<rect width=\"100%\" height=\"100%\" \
             fill=\"#fff\"/>\n"
        )?;
        let title = escaped(&shortened(&self.head.title, 80));
        writeln!(out, "<title>Pages of {title}</title>")?;
        writeln!(
            out,
            "<text x=\"{MARGIN}\" y=\"30\" font-size=\"18\" font-weight=\"600\" fill=\"#111827\">{title}</text>"
        )?;
        writeln!(out, "<text x=\"{MARGIN}\" y=\"50\" fill=\"#6b7280\">{}</text>", self.subtitle())?;
        for (place, block) in self.blocks.blocks().iter().enumerate() {
            writeln!(out, "{}", grid.rectangle(place, block, &colours))?;
        }
        for (place, entry) in legend.iter().enumerate() {
            writeln!(out, "{}", entry.element(place, legend_top))?;
        }
        writeln!(out, "</svg>")
    }

    fn subtitle(&self) -> String {
        let MapHead { page_size, page_count, .. } = self.head;
        let block = match self.blocks.pages_per_block() {
            1 => "a block a page".to_owned(),
            pages => format!("a block for {pages} pages"),
        };
        format!("{page_count} pages of {page_size} bytes, {block}, the paler the emptier")
    }
}

/// Where the blocks lie.
struct Grid {
    columns: u32,
    rows: u32,
    /// From one block to the next.
    step: f64,
    gap: f64,
}

impl Grid {
    fn new(blocks: usize) -> Self {
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX).max(1);
        // About twice as wide as high, and no block larger than 40.
        let mut columns = WIDTH / 40;
        while columns < 128 && blocks.div_ceil(columns) * 2 > columns {
            columns += 1;
        }
        let step = f64::from(WIDTH) / f64::from(columns);
        Self { columns, rows: blocks.div_ceil(columns), step, gap: if step > 12.0 { 2.0 } else { 1.0 } }
    }

    fn height(&self) -> u32 {
        // At most 4096 blocks of at most 40: no loss.
        self.rows * WIDTH / self.columns
    }

    fn rectangle(&self, place: usize, block: &Block, colours: &[Colour]) -> String {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let x = f64::from(MARGIN) + f64::from(place % self.columns) * self.step;
        let y = f64::from(HEAD) + f64::from(place / self.columns) * self.step;
        let side = self.step - self.gap;
        let colour = block_colour(block, colours);
        let opacity = block.fill.map_or(1.0, |fill| 0.35 + 0.65 * f64::from(fill.min(100)) / 100.0);
        format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{side:.1}\" height=\"{side:.1}\" rx=\"1\" fill=\"{}\" \
             fill-opacity=\"{opacity:.2}\"/>",
            hex(colour)
        )
    }
}

fn block_colour(block: &Block, colours: &[Colour]) -> Colour {
    let of_owner = block.owner.and_then(|owner| colours.get(owner as usize).copied());
    of_owner.unwrap_or_else(|| use_colour(block.page_use))
}

struct LegendEntry {
    colour: Colour,
    words: String,
}

impl LegendEntry {
    fn element(&self, place: usize, top: u32) -> String {
        let column = u32::try_from(place % LEGEND_COLUMNS).unwrap_or(0);
        let row = u32::try_from(place / LEGEND_COLUMNS).unwrap_or(0);
        let x = MARGIN + column * (WIDTH / 3);
        let y = top + row * LEGEND_ROW;
        format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\"/><text x=\"{}\" y=\"{}\" \
             fill=\"#374151\">{}</text>",
            hex(self.colour),
            x + 18,
            y + 11,
            escaped(&self.words)
        )
    }
}

fn legend(owners: &[MapOwner], colours: &[Colour], blocks: &BlockMap) -> Vec<LegendEntry> {
    let mut by_size: Vec<_> = owners.iter().zip(colours).filter(|(owner, _)| owner.pages > 0).collect();
    by_size.sort_by(|(a, _), (b, _)| b.pages.cmp(&a.pages).then_with(|| a.name.cmp(&b.name)));
    let words = |owner: &MapOwner| {
        let kind = if owner.is_index { " (index)" } else { "" };
        format!("{}{kind} {}", shortened(&owner.name, MOST_NAME), owner.pages)
    };
    let mut entries: Vec<_> = by_size
        .iter()
        .take(MOST_OWNERS)
        .map(|(owner, colour)| LegendEntry { colour: **colour, words: words(owner) })
        .collect();
    if by_size.len() > MOST_OWNERS {
        let rest = by_size.len() - MOST_OWNERS;
        entries.push(LegendEntry { colour: [148, 150, 160], words: format!("and {rest} more") });
    }
    let of_nobody = PageUse::ALL.iter().skip(PageUse::FreelistTrunk.code().into());
    entries.extend(of_nobody.filter(|&&page_use| blocks.count(page_use) > 0).map(|&page_use| LegendEntry {
        colour: use_colour(page_use),
        words: format!("{page_use} {}", blocks.count(page_use)),
    }));
    entries
}

/// No more than `most` characters, and none that acts on whoever reads it.
fn shortened(name: &str, most: usize) -> String {
    let mut short = String::new();
    for (place, c) in name.chars().enumerate() {
        if place == most {
            short.push('\u{2026}');
            break;
        }
        short.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    short
}

/// Text of XML. What XML has no place for, however written, was replaced before.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => shown.push('\u{fffd}'),
            // Marks that turn the direction of reading are spelled out.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => shown.push(c),
        }
    }
    shown
}
