//! `litecopy pages` as a map: on a terminal, for browsers and for documents.

use std::fs;

use crate::scene::{Scene, assert_golden, json_lines, litecopy, said, steady};

fn scene() -> Scene {
    let scene = Scene::new(
        "PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE letters(a INTEGER PRIMARY KEY, b);
         CREATE TABLE words(a UNIQUE, b)",
    );
    scene.run("INSERT INTO letters(b) SELECT zeroblob(300) FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 60) SELECT value FROM n)");
    scene.run("INSERT INTO words SELECT value || 'word', 1 FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 300) SELECT value FROM n)");
    scene.run("INSERT INTO letters(b) VALUES (zeroblob(9000)); DELETE FROM letters WHERE a < 20");
    scene
}

#[test]
fn the_map_fits_and_has_letters_where_there_are_no_colours() {
    let scene = scene();
    let text = said("pages", &scene.path(), &[]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_golden("pages", &steady(&text, scene.path().parent().unwrap()));
}

#[test]
fn maps_are_written_whole_and_over_nothing_but_maps() {
    let scene = scene();
    let (html, svg) = (scene.file(".html"), scene.file(".svg"));
    let out = ["--html", html.to_str().unwrap(), "--svg", svg.to_str().unwrap()];
    for _ in 0..2 {
        let text = said("pages", &scene.path(), &out);
        assert!(text.lines().count() == 2 && text.contains("app.db.svg"), "{text}");
    }
    let pages = json_lines("pages", &scene.path(), &[]).len();
    let html = fs::read_to_string(&html).unwrap();
    assert!(html.contains(&format!("\"page_count\":{pages},")) && html.ends_with("</html>\n"));
    assert!(fs::read_to_string(&svg).unwrap().contains(&format!("{pages} pages of 1024 bytes")));
    let before = fs::read(scene.path()).unwrap();
    for option in ["--html", "--svg"] {
        let database = scene.path();
        let (code, _, stderr) = litecopy("pages", &database, &[option, database.to_str().unwrap()]);
        assert!(code == 1 && stderr.contains("it is the name of the database"), "{stderr}");
        let journal = scene.file("-journal");
        let (code, _, stderr) = litecopy("pages", &database, &[option, journal.to_str().unwrap()]);
        assert!(code == 1 && stderr.contains("a side file"), "{stderr}");
        let note = scene.file("-note");
        fs::write(&note, "not a map").unwrap();
        let (code, _, stderr) = litecopy("pages", &database, &[option, note.to_str().unwrap()]);
        assert!(code == 1 && stderr.contains("what is there is no map"), "{stderr}");
        fs::remove_file(&note).unwrap();
    }
    assert_eq!(fs::read(scene.path()).unwrap(), before);
    let left: Vec<_> =
        fs::read_dir(scene.path().parent().unwrap()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}
