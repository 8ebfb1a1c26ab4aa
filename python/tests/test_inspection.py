"""The verbs that look inside give dicts with the keys of the command's `--json`."""

import pytest

import litecopy


@pytest.fixture
def logged(app, sqlite3):
    """A database with two commits in its log, and a connection that keeps it there."""
    connection = sqlite3.connect(app)
    connection.execute("PRAGMA journal_mode = wal")
    for key in (5, 6):
        connection.execute("INSERT INTO foo VALUES (?)", (key,))
        connection.commit()
    yield app
    connection.close()


def test_info_and_locks(logged):
    assert litecopy.info(logged)["page_count"] == 2
    assert litecopy.locks(logged)["path"] == str(logged)


def test_check(app):
    report = litecopy.check(app)
    assert report["sound"] is True and report["findings"] == []
    with app.open("r+b") as file:
        file.seek(4096 + 3)
        file.write(b"\xff\xff")
    report = litecopy.check(app, quick=True)
    assert report["sound"] is False
    assert report["findings"][0]["page"] == 2


def test_pages_and_space(app):
    found = list(litecopy.pages(app))
    assert [page["page"] for page in found] == [1, 2]
    assert [page["owner"] for page in found] == ["sqlite_schema", "foo"]
    assert {owner["name"]: owner["entries"] for owner in litecopy.space(app)["owners"]} == {"sqlite_schema": 1, "foo": 2}


def test_rows_and_versions(logged):
    assert [row["values"] for row in litecopy.rows(logged, "foo")] == [{"key": key} for key in (3, 4, 5, 6)]
    assert [row["values"]["key"] for row in litecopy.rows(logged, as_of=1)] == [3, 4, 5]
    with pytest.raises(litecopy.OperationalError):
        list(litecopy.rows(logged, as_of=3))


def test_the_log(logged):
    header, *commits, end = litecopy.wal(logged)
    assert header["header"]["page_size"] == 4096
    assert [commit["commit"] for commit in commits] == [1, 2]
    assert commits[0]["owners"] == ["foo"]
    assert end["end"]["commits"] == 2
    assert [frame["state"] for frame in list(litecopy.wal(logged, frames=True))[1:-1]] == ["superseded", "committed"]


def test_a_list_that_nobody_reads_to_its_end(large):
    lines = litecopy.rows(large)
    assert next(lines)["rowid"] == 1
    del lines


def test_values(tmp_path, sqlite3):
    connection = sqlite3.connect(tmp_path / "values.db")
    connection.execute("CREATE TABLE v (a, b, c, d)")
    connection.execute("INSERT INTO v VALUES (9007199254740993, 0.1, x'00ff', NULL)")
    connection.commit()
    connection.close()
    [row] = litecopy.rows(tmp_path / "values.db", "v")
    assert row["values"] == {"a": 9007199254740993, "b": 0.1, "c": {"blob": "00ff"}, "d": None}


def test_an_unknown_option(app):
    with pytest.raises(TypeError, match="colour"):
        litecopy.check(app, colour="red")


def test_page(app):
    page = litecopy.page(app, 2)
    assert [cell["values"] for cell in page["cells"]] == [[3], [4]]
    with pytest.raises(ValueError, match="there is no page 3"):
        litecopy.page(app, 3)


def test_journal_and_shm(logged):
    assert litecopy.journal(logged)["state"] == "none"
    assert litecopy.shm(logged)["mx_frame"] == 2


def test_diff(logged, tmp_path):
    litecopy.backup(logged, tmp_path / "copy.db")
    assert litecopy.diff(logged, tmp_path / "copy.db")["same"] is True
    report = litecopy.diff(logged, versions=(1, 2))
    assert report["same"] is False
    assert [(table["name"], table["added"]) for table in report["tables"]] == [("foo", 1)]


def test_deleted(logged, sqlite3):
    connection = sqlite3.connect(logged)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text)")
    connection.executemany("INSERT INTO note (text) VALUES (?)", [(f"a note, the number {n}",) for n in range(20)])
    connection.commit()
    connection.execute("DELETE FROM note WHERE id = 7")
    connection.commit()
    # What the log still has of the table's older pages.
    found = [row for row in litecopy.deleted(logged, "note") if row["rowid"] == 7]
    assert found[0]["values"]["text"] == "a note, the number 6"
    assert 0 < found[0]["confidence"] <= 1
    connection.close()


def test_acquire_and_verify_bundle(logged, tmp_path):
    acquired = litecopy.acquire(logged, tmp_path / "bundle")
    files = {file["role"]: file for file in acquired["bundle"]["files"]}
    assert set(files) == {"database", "log", "wal-index"}
    assert (tmp_path / "bundle" / "found.db-wal").read_bytes() == (logged.parent / "app.db-wal").read_bytes()
    report = litecopy.verify_bundle(tmp_path / "bundle", acquired["manifest_sha256"])
    assert report["intact"] is True and report["findings"] == []
    assert litecopy.verify_bundle(tmp_path / "bundle", "00" * 32)["intact"] is False
    (tmp_path / "bundle" / "extra").write_bytes(b"")
    assert [finding["file"] for finding in litecopy.verify_bundle(tmp_path / "bundle")["findings"]] == ["extra"]


def test_dump(tmp_path, sqlite3):
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, data); CREATE INDEX i ON t(data);"
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET data = 1; SELECT 2; END;"
    )
    rows = [(1, "it's;\n", b"\x00\xff"), (2, "a\x00b", 1.5), (3, None, -7)]
    for row in rows:
        connection.execute("INSERT INTO t VALUES (?, ?, NULL)", row[:2])
        connection.execute("UPDATE t SET data = ? WHERE id = ?", (row[2], row[0]))
    connection.execute("UPDATE t SET data = x'00ff' WHERE id = 1")
    connection.commit()
    expected = connection.execute("SELECT * FROM t").fetchall()
    connection.close()
    statements = list(litecopy.dump(path))
    assert all(sqlite3.complete_statement(statement) for statement in statements)
    restored = sqlite3.connect(":memory:", isolation_level=None)
    for statement in statements:
        restored.execute(statement)
    assert restored.execute("SELECT * FROM t").fetchall() == expected
    assert restored.execute("SELECT count(*) FROM sqlite_master").fetchone() == (4,)


def test_a_dump_that_nobody_reads_to_its_end(large):
    assert next(litecopy.dump(large)) == "PRAGMA foreign_keys=OFF;"


def test_a_dump_of_what_is_damaged(tmp_path, large):
    damaged = tmp_path / "damaged.db"
    data = bytearray(large.read_bytes())
    data[4096 * 20:4096 * 21] = bytes(4096)
    damaged.write_bytes(data)
    with pytest.warns(UserWarning, match="is not whole"):
        statements = list(litecopy.dump(damaged))
    assert statements[-1].startswith("PRAGMA ignore_check_constraints")
    assert len([statement for statement in statements if statement.startswith("INSERT")]) > 300
