//! What the crate promises: `docs/public-api.txt` lists every public item with its signature, so that a change is seen.
//!
//! The list is made from what rustdoc writes as JSON, for which it needs a nightly toolchain; `.ci/run` runs this test where there is one.
//! `LITECOPY_WRITE_GOLDENS=1 cargo test --test public_api -- --ignored` writes it anew.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const LIST: &str = "docs/public-api.txt";

#[test]
#[ignore = "needs a nightly toolchain; .ci/run runs it"]
fn every_public_item_is_in_the_list() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let json: Value = serde_json::from_slice(&fs::read(documented(top)).unwrap()).unwrap();
    let mut listing =
        Listing { json: &json, top, sources: BTreeMap::new(), lines: BTreeSet::new(), told: BTreeMap::new() };
    listing.module(&json["root"], "litecopy", 0);
    assert!(listing.lines.len() > 100, "the JSON of rustdoc reads otherwise than this test does");
    let text: String = listing.lines.iter().map(|line| format!("{line}\n")).collect();
    if std::env::var_os("LITECOPY_WRITE_GOLDENS").is_some() {
        fs::write(top.join(LIST), &text).unwrap();
    }
    let told = fs::read_to_string(top.join(LIST)).unwrap_or_default();
    let told: BTreeSet<&str> = told.lines().collect();
    let found: BTreeSet<&str> = text.lines().collect();
    let new: Vec<_> = found.difference(&told).collect();
    let gone: Vec<_> = told.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "{LIST} differs.\nnew: {new:#?}\ngone: {gone:#?}");
}

/// Has rustdoc describe the library, and gives the file.
fn documented(top: &Path) -> PathBuf {
    let words = "run nightly cargo rustdoc --lib --no-default-features --features evidence,manifest,serde -- -Z unstable-options \
                 --output-format json --cap-lints allow";
    let output = Command::new("rustup").args(words.split(' ')).current_dir(top).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top.join("target"), PathBuf::from);
    folder.join("doc/litecopy.json")
}

struct Listing<'j> {
    json: &'j Value,
    top: &'j Path,
    sources: BTreeMap<String, Vec<String>>,
    lines: BTreeSet<String>,
    /// Under which path an item is told; its others only name that one.
    told: BTreeMap<String, String>,
}

impl<'j> Listing<'j> {
    /// The item of an id; `None` for those of other crates.
    fn item(&self, id: &Value) -> Option<&'j Value> {
        self.json["index"].get(id.to_string().trim_matches('"'))
    }

    fn module(&mut self, id: &Value, path: &str, depth: usize) {
        let Some(module) = self.item(id).filter(|_| depth < 8) else { return };
        let ids = module["inner"]["module"]["items"].as_array().into_iter().flatten();
        let items: Vec<&'j Value> = ids.filter_map(|id| self.item(id)).collect();
        let is_module = |item: &&Value| item["inner"].get("module").is_some();
        let (modules, others): (Vec<_>, Vec<_>) = items.into_iter().partition(is_module);
        for item in others.into_iter().chain(modules) {
            let exported = &item["inner"]["use"];
            let (item, name) = match exported["name"].as_str() {
                Some(name) => match self.item(&exported["id"]) {
                    Some(item) => (item, name),
                    None => continue,
                },
                None => (item, item["name"].as_str().unwrap_or_default()),
            };
            self.export(item, &format!("{path}::{name}"), depth);
        }
    }

    fn export(&mut self, item: &'j Value, path: &str, depth: usize) {
        let inner = &item["inner"];
        let kind = inner.as_object().and_then(|inner| inner.keys().next()).map_or("", String::as_str);
        if kind == "module" {
            self.lines.insert(format!("{path}: mod"));
            return self.module(&item["id"], path, depth + 1);
        }
        if let Some(first) = self.told.get(&item["id"].to_string()) {
            self.lines.insert(format!("{path}: = {first}"));
            return;
        }
        self.told.insert(item["id"].to_string(), path.to_owned());
        self.tell(item, path);
        let inner = &inner[kind];
        for part in ["variants", "items"] {
            self.parts(&inner[part], path, "::");
        }
        for fields in [&inner["kind"]["plain"]["fields"], &inner["kind"]["tuple"]] {
            self.parts(fields, path, ".");
        }
        let mut traits = BTreeSet::new();
        for id in inner["impls"].as_array().into_iter().flatten() {
            let implementation = self.item(id).map_or(&Value::Null, |item| &item["inner"]["impl"]);
            if implementation["is_synthetic"] == true || !implementation["blanket_impl"].is_null() {
                continue;
            }
            match implementation["trait"]["path"].as_str() {
                Some("StructuralPartialEq") => {}
                Some(name) => drop(traits.insert(name.rsplit("::").next().unwrap())),
                None => self.parts(&implementation["items"], path, "::"),
            }
        }
        if !traits.is_empty() {
            let traits: Vec<&str> = traits.into_iter().collect();
            self.lines.insert(format!("{path}: impl {}", traits.join(", ")));
        }
    }

    /// Fields, variants, functions of something.
    fn parts(&mut self, ids: &Value, path: &str, separator: &str) {
        let ids = ids.as_array().into_iter().flatten();
        let items: Vec<&'j Value> = ids.filter_map(|id| self.item(id)).collect();
        for item in items {
            let name = item["name"].as_str().unwrap_or_default();
            self.tell(item, &format!("{path}{separator}{name}"));
        }
    }

    /// Lists an item by its own words in the source.
    fn tell(&mut self, item: &Value, path: &str) {
        let open =
            if item["attrs"].to_string().contains("non_exhaustive") { "#[non_exhaustive] " } else { "" };
        let words = self.words(&item["span"]).unwrap_or_default();
        self.lines.insert(format!("{path}: {open}{words}"));
    }

    /// The source of a span without comments, up to its body or value.
    fn words(&mut self, span: &Value) -> Option<String> {
        let file = span["filename"].as_str()?;
        let number = |place: &str, at: usize| usize::try_from(span[place][at].as_u64().unwrap_or(0)).unwrap();
        let (first, last) = (number("begin", 0), number("end", 0));
        let path = self.top.join(file);
        let lines = self.sources.entry(file.to_owned()).or_insert_with(|| {
            fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
        });
        let mut text = String::new();
        for at in first..=last {
            let line = lines.get(at.checked_sub(1)?)?;
            let end =
                if at == last { number("end", 1).saturating_sub(1).min(line.len()) } else { line.len() };
            let start = if at == first { number("begin", 1).saturating_sub(1).min(end) } else { 0 };
            let line = line.get(start..end)?;
            if !line.trim_start().starts_with("//") {
                text.push_str(line);
                text.push(' ');
            }
        }
        let is_struct = text.starts_with("pub struct");
        let end = text.find(|c| c == '{' || c == ';' || (is_struct && c == '(')).unwrap_or(text.len());
        let end = text[..end].find(" = ").filter(|_| text.contains("const ")).unwrap_or(end);
        Some(text[..end].split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
