//! Whatever is changed in a bundle of evidence is found; and whatever somebody puts in the place of one harms nobody.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use litecopy::{BundleReport, verify_bundle};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::acquire::Taken;
use crate::files::Folder;
use crate::random::{Random, seed};
use crate::states::{BIG_CHANGE, Scene};

/// Bundles with all sorts of files: one with a hot journal, one with a log and its index.
fn bundles() -> [Taken; 2] {
    let hot = Scene::new();
    hot.killed_after(&format!("PRAGMA cache_size = 5; BEGIN; {BIG_CHANGE}"));
    let logged = Scene::new();
    let _peer = logged
        .peer("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE t SET c = 'in the log'");
    [Taken::of(&hot.path), Taken::of(&logged.path)]
}

fn names(taken: &Taken) -> Vec<String> {
    let names = fs::read_dir(taken.folder.join("bundle")).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn write(path: &Path, bytes: &[u8]) {
    drop(fs::remove_file(path));
    fs::write(path, bytes).unwrap();
}

fn verify(taken: &Taken) -> BundleReport {
    verify_bundle(taken.folder.join("bundle"), None).unwrap()
}

fn is_told(report: &BundleReport, name: &str) -> bool {
    report.findings.iter().any(|finding| finding.file == Path::new(name))
}

fn digits(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Without the sum that was written down elsewhere.
#[test]
fn a_byte_of_any_file_is_missed() {
    let mut random = Random::from_seed(seed("tampering"));
    for taken in bundles() {
        taken.assert_intact();
        let all = names(&taken);
        assert!(all.len() >= 6, "{all:?}");
        for name in &all {
            let path = taken.path(name);
            let right = fs::read(&path).unwrap();
            for _ in 0..20 {
                let mut wrong = right.clone();
                let at = usize::try_from(random.below(right.len() as u64)).unwrap();
                wrong[at] ^= 1 << random.below(8);
                write(&path, &wrong);
                let report = verify(&taken);
                // A manifest that is none names no files; else the file itself is named.
                let named =
                    is_told(&report, name) || (name == "manifest.json" && is_told(&report, "SHA256SUMS"));
                assert!(!report.intact && named, "byte {at} of {name}: {report:#?}");
            }
            for wrong in [&right[..right.len() - 1], &[&right[..], b"\n"].concat()] {
                write(&path, wrong);
                assert!(!verify(&taken).intact, "the length of {name}");
            }
            fs::remove_file(&path).unwrap();
            let report = verify(&taken);
            assert!(!report.intact && is_told(&report, name), "{name} gone: {report:#?}");
            symlink("/dev/zero", &path).unwrap();
            assert!(!verify(&taken).intact, "{name} is a link");
            write(&path, &right);
            taken.assert_intact();
        }
        fs::write(taken.path("extra"), "").unwrap();
        assert!(is_told(&verify(&taken), "extra"));
    }
}

/// The standard tool finds the same.
#[test]
fn sha256sum_agrees() {
    for taken in bundles() {
        let mut command = Command::new("sha256sum");
        command.args(["--strict", "--quiet", "-c", "SHA256SUMS"]).current_dir(taken.folder.join("bundle"));
        let Ok(output) = command.output() else {
            println!("SKIP: there is no sha256sum");
            return;
        };
        assert!(output.status.success(), "{output:?}");
        let listed = fs::read_to_string(taken.path("SHA256SUMS")).unwrap().lines().count();
        assert_eq!(listed + 1, names(&taken).len(), "all but itself");
    }
}

/// Somebody changes a byte of a table, and makes all sums anew: only the sum that was written down elsewhere tells.
#[test]
fn a_forgery_is_found_by_the_sum_that_was_written_down() {
    let [_, taken] = bundles();
    let mut merged = fs::read(taken.path("merged.db")).unwrap();
    *merged.last_mut().unwrap() ^= 1;
    let mut manifest: Value =
        serde_json::from_slice(&fs::read(taken.path("manifest.json")).unwrap()).unwrap();
    manifest["sha256"] = json!(digits(&merged));
    let page_size = usize::try_from(manifest["page_size"].as_u64().unwrap()).unwrap();
    let sums = merged.chunks(page_size).map(|page| format!("{:08x}", crc32fast::hash(page)));
    manifest["crc32"] = json!([sums.collect::<String>()]);
    let remake = |manifest: &Value| {
        write(&taken.path("manifest.json"), &serde_json::to_vec(manifest).unwrap());
        let mut names: Vec<String> = names(&taken).into_iter().filter(|name| name != "SHA256SUMS").collect();
        names.sort();
        let line = |name: &String| format!("{}  {name}\n", digits(&fs::read(taken.path(name)).unwrap()));
        write(&taken.path("SHA256SUMS"), names.iter().map(line).collect::<String>().as_bytes());
    };
    write(&taken.path("merged.db"), &merged);
    remake(&manifest);
    // The files as found still give something else.
    let report = verify(&taken);
    assert!(!report.intact && is_told(&report, "merged.db"), "{report:#?}");
    // One who changes these too is found out only by the sum that he cannot change.
    write(&taken.path("merged.db"), &fs::read(taken.path("found.db")).unwrap());
    let found = fs::read(taken.path("found.db")).unwrap();
    manifest["sha256"] = json!(digits(&found));
    manifest["page_count"] = json!(found.len() / page_size);
    let sums = found.chunks(page_size).map(|page| format!("{:08x}", crc32fast::hash(page)));
    manifest["crc32"] = json!([sums.collect::<String>()]);
    for name in ["found.db-wal", "found.db-shm"] {
        fs::remove_file(taken.path(name)).unwrap();
    }
    manifest["bundle"]["log"] = Value::Null;
    manifest["bundle"]["files"].as_array_mut().unwrap().truncate(1);
    remake(&manifest);
    let report = verify(&taken);
    assert!(report.intact && !report.compared_with_given, "{report:#?}");
    let given = Some(taken.acquired.manifest_sha256);
    assert!(!verify_bundle(taken.folder.join("bundle"), given).unwrap().intact);
}

/// Whatever a manifest says, nothing out of the folder is read, and it ends.
#[test]
fn a_hostile_manifest_is_told() {
    let [taken, _] = bundles();
    let path = taken.path("manifest.json");
    let right: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let changed = |pointer: &str, to: Value| {
        let mut manifest = right.clone();
        *manifest.pointer_mut(pointer).unwrap() = to;
        serde_json::to_vec(&manifest).unwrap()
    };
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let huge = [&b"{\"litecopy_manifest\": 1, \"x\": \""[..], &b"x".repeat(9 << 20), b"\"}"].concat();
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("deep", deep.clone()),
        ("deep inside", [&b"{\"litecopy_manifest\": 1, \"bundle\": {\"files\": "[..], &deep, b"}}"].concat()),
        ("huge", huge),
        ("no text", vec![0xff; 1000]),
        ("a list", b"[1, 2]".to_vec()),
        ("no bundle", changed("/bundle", Value::Null)),
        ("another version", changed("/litecopy_manifest", json!(2))),
        ("a name out of the folder", changed("/bundle/files/0/name", json!("../../../etc/passwd"))),
        ("an absolute name", changed("/bundle/files/0/name", json!("/etc/passwd"))),
        ("a role that is none", changed("/bundle/files/0/role", json!("passwords"))),
        ("a role twice", changed("/bundle/files/1/role", json!("database"))),
        ("a size beyond all", changed("/bundle/files/0/size_bytes", json!(u64::MAX))),
        ("a negative size", changed("/bundle/files/0/size_bytes", json!(-1))),
        ("a wrong type", changed("/bundle/files", json!("all"))),
        ("no files", changed("/bundle/files", json!([]))),
        ("pages without sums", changed("/page_count", json!(u32::MAX))),
        ("a page size of 0", changed("/page_size", json!(0))),
        ("another page size", changed("/page_size", json!(65536))),
        ("a journal that was not hot", changed("/bundle/journal/hot", json!(false))),
        (
            "a log that is not there",
            changed(
                "/bundle/log",
                json!({
                    "page_size": 0, "checkpoint_sequence": 0, "salts": [0, 0], "first_frame": 1, "last_frame": u32::MAX,
                    "told_by_wal_index": true, "valid_frames": 0, "commits": 0, "file_frames": 0
                }),
            ),
        ),
        ("pages taken as encrypted", changed("/bundle/opaque", json!(true))),
    ] {
        write(&path, &bytes);
        let report = verify(&taken);
        println!("{what}: {:?}", report.findings.first());
        assert!(!report.intact, "{what}");
    }
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(is_told(&verify(&taken), "manifest.json"), "a pipe");
    fs::remove_file(&path).unwrap();
    let elsewhere = Folder::new();
    fs::write(elsewhere.join("manifest.json"), serde_json::to_vec(&right).unwrap()).unwrap();
    symlink(elsewhere.join("manifest.json"), &path).unwrap();
    assert!(is_told(&verify(&taken), "manifest.json"), "a link");
    assert!(verify_bundle(elsewhere.join("none"), None).is_err());
    assert!(!verify_bundle(elsewhere.path(), None).unwrap().intact, "a folder that is no bundle");
}

/// Evidence is not written over by mistake.
#[test]
fn the_files_of_a_bundle_are_read_only() {
    for taken in bundles() {
        for name in names(&taken) {
            let mode = fs::metadata(taken.path(&name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o222, 0, "{name}: {mode:o}");
        }
    }
}
