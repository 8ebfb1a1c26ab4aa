//! The map for browsers: one file that needs nothing from elsewhere.
//!
//! The pages are lines of three words, each line [`LINE_PAGES`] pages but for the last:
//!
//! | word | what it is |
//! |---|---|
//! | first | runs of equal use and owner: count, use, owner + 1 or 0 |
//! | second | a digit a page: how full it is, 63 for full; `-` without cells |
//! | third | runs of equal origin: count, 0 for the file, 1 for a journal, else the commit + 1 |
//!
//! Numbers in runs are digits of 5 bits, the lowest first, 32 more where another follows; digits are those of base64. Lines are
//! written as they get full: a map of a million pages takes no more memory than one of a thousand.

use super::palette::{hex, owner_colours, use_colour};
use super::{MapHead, MapOrigin, MapOwner, MapPage, PageUse};
use std::io::{self, Write};

/// How many pages a line has.
const LINE_PAGES: u32 = 8192;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes a map as HTML: pages are given one by one, and the owners at the end.
///
/// ```
/// use litecopy::inspect::PageUse;
/// use litecopy::inspect::page_map::{HtmlMap, MapHead, MapOrigin, MapPage};
///
/// let mut map = HtmlMap::new(Vec::new(), &MapHead::new("app.db", 4096, 1))?;
/// map.page(&MapPage { page_use: PageUse::FreelistLeaf, owner: None, fill: None, origin: MapOrigin::File })?;
/// let html = map.finish(&[])?;
/// assert!(html.starts_with(b"<!doctype html>"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct HtmlMap<W> {
    out: W,
    line: Line,
}

/// A line that is not full yet.
#[derive(Debug, Default)]
struct Line {
    pages: u32,
    uses: String,
    use_run: (u32, Option<(PageUse, Option<u32>)>),
    fills: String,
    origins: String,
    origin_run: (u32, Option<MapOrigin>),
}

impl<W: Write> HtmlMap<W> {
    /// Writes what comes before the pages.
    ///
    /// # Errors
    ///
    /// What `out` gives.
    pub fn new(mut out: W, head: &MapHead) -> io::Result<Self> {
        let title = json_text(&head.title);
        let plain_title = html_text(&head.title);
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
             http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src \
             'unsafe-inline'; img-src data:\">\n<meta name=\"viewport\" \
             content=\"width=device-width,initial-scale=1\">\n<title>{plain_title}</title>\n<style>\n{}</style>\n</head>\n{}",
            include_str!("map.css"),
            include_str!("map.html"),
        )?;
        let MapHead { page_size, page_count, .. } = head;
        writeln!(
            out,
            "<script type=\"application/json\" id=\"head\">{{\"title\":{title},\"page_size\":{page_size},\
             \"page_count\":{page_count},\"uses\":{}}}</script>",
            uses_json()
        )?;
        out.write_all(b"<script type=\"text/plain\" id=\"pages\">\n")?;
        Ok(Self { out, line: Line::default() })
    }

    /// Takes the next page.
    ///
    /// # Errors
    ///
    /// What `out` gives.
    pub fn page(&mut self, page: &MapPage) -> io::Result<()> {
        self.line.push(page);
        if self.line.pages == LINE_PAGES {
            self.write_line()?;
        }
        Ok(())
    }

    /// Writes what comes behind the pages, and gives back where it was written to.
    ///
    /// # Errors
    ///
    /// What `out` gives.
    pub fn finish(mut self, owners: &[MapOwner]) -> io::Result<W> {
        if self.line.pages > 0 {
            self.write_line()?;
        }
        self.out.write_all(b"</script>\n<script type=\"application/json\" id=\"owners\">[\n")?;
        let colours = owner_colours(owners);
        for (place, (owner, colour)) in owners.iter().zip(colours).enumerate() {
            let comma = if place + 1 < owners.len() { "," } else { "" };
            writeln!(
                self.out,
                "{{\"name\":{},\"table\":{},\"index\":{},\"entries\":{},\"colour\":\"{}\"}}{comma}",
                json_text(&owner.name),
                json_text(&owner.table),
                owner.is_index,
                owner.entries,
                hex(colour),
            )?;
        }
        write!(self.out, "]</script>\n<script>\n{}</script>\n</body>\n</html>\n", include_str!("map.js"))?;
        Ok(self.out)
    }

    fn write_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line).into_text();
        self.out.write_all(line.as_bytes())
    }
}

impl Line {
    fn push(&mut self, page: &MapPage) {
        let belongs = Some((page.page_use, page.owner));
        if self.use_run.1 != belongs {
            self.close_use_run();
            self.use_run = (0, belongs);
        }
        self.use_run.0 += 1;
        if self.origin_run.1 != Some(page.origin) {
            self.close_origin_run();
            self.origin_run = (0, Some(page.origin));
        }
        self.origin_run.0 += 1;
        match page.fill {
            Some(fill) => self.fills.push(digit((u32::from(fill.min(100)) * 63 + 50) / 100)),
            None => self.fills.push('-'),
        }
        self.pages += 1;
    }

    fn close_use_run(&mut self) {
        if let (count, Some((page_use, owner))) = self.use_run {
            let owner = owner.map_or(0, |owner| owner.saturating_add(1));
            for value in [count, page_use.code().into(), owner] {
                push_number(&mut self.uses, value);
            }
        }
    }

    fn close_origin_run(&mut self) {
        if let (count, Some(origin)) = self.origin_run {
            push_number(&mut self.origins, count);
            push_number(
                &mut self.origins,
                match origin {
                    MapOrigin::File => 0,
                    MapOrigin::Journal => 1,
                    MapOrigin::Wal(commit) => commit.saturating_add(1),
                },
            );
        }
    }

    fn into_text(mut self) -> String {
        self.close_use_run();
        self.close_origin_run();
        format!("{} {} {}\n", self.uses, self.fills, self.origins)
    }
}

fn digit(value: u32) -> char {
    DIGITS.get(value as usize & 63).copied().map_or('A', char::from)
}

fn push_number(text: &mut String, mut value: u32) {
    while value >= 32 {
        text.push(digit(value & 31 | 32));
        value >>= 5;
    }
    text.push(digit(value));
}

fn uses_json() -> String {
    let of = |page_use: &PageUse| {
        format!("{{\"name\":\"{page_use}\",\"colour\":\"{}\"}}", hex(use_colour(*page_use)))
    };
    format!("[{}]", PageUse::ALL.iter().map(of).collect::<Vec<_>>().join(","))
}

/// A string of JSON that may stand in a script element: nothing in it ends the element, or is more than text to a browser.
fn json_text(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' => push_escape(&mut json, c),
            c if c.is_control() => push_escape(&mut json, c),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

fn push_escape(json: &mut String, c: char) {
    // All of them are below 0x10000.
    json.push_str(&format!("\\u{:04x}", u32::from(c)));
}

fn html_text(text: &str) -> String {
    let mut html = String::new();
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => html.push('\u{fffd}'),
            c if c.is_control() => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &mut std::str::Chars<'_>) -> u32 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let c = u8::try_from(text.next().unwrap()).unwrap();
            let digit = u32::try_from(DIGITS.iter().position(|&d| d == c).unwrap()).unwrap();
            value |= (digit & 31) << shift;
            shift += 5;
            if digit < 32 {
                return value;
            }
        }
    }

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 31, 32, 1023, 1024, 8192, u32::MAX] {
            let mut text = String::new();
            push_number(&mut text, value);
            let mut chars = text.chars();
            assert_eq!((number(&mut chars), chars.as_str()), (value, ""));
        }
    }

    #[test]
    fn pages_are_runs_of_lines() {
        let mut map = HtmlMap::new(Vec::new(), &MapHead::new("a", 512, 3)).unwrap();
        let leaf = MapPage {
            page_use: PageUse::TableLeaf,
            owner: Some(0),
            fill: Some(100),
            origin: MapOrigin::File,
        };
        map.page(&leaf).unwrap();
        map.page(&leaf).unwrap();
        let free =
            MapPage { page_use: PageUse::FreelistLeaf, owner: None, fill: None, origin: MapOrigin::Wal(3) };
        map.page(&free).unwrap();
        let html = String::from_utf8(map.finish(&[]).unwrap()).unwrap();
        let line = html.split_once("id=\"pages\">\n").unwrap().1.lines().next().unwrap();
        assert_eq!(line, "CBBBGA //- CABE");
    }

    #[test]
    fn names_are_nothing_but_names() {
        let evil = "</script><script>alert(1)</script>&\"'\\\u{2028}\n";
        let map = HtmlMap::new(Vec::new(), &MapHead::new(evil, 512, 0)).unwrap();
        let owner = MapOwner { name: evil.to_owned(), ..MapOwner::default() };
        let html = String::from_utf8(map.finish(&[owner]).unwrap()).unwrap();
        assert!(!html.contains("<script>alert") && !html.contains('\u{2028}'));
        let owners = html.split_once("id=\"owners\">").unwrap().1.split_once("</script>").unwrap().0;
        let owners: serde_json::Value = serde_json::from_str(owners).unwrap();
        assert_eq!(owners[0]["name"], evil);
    }
}
