"""What sqlite3's `backup` cannot do."""

import os

import pytest

import litecopy


def test_paths_of_every_kind(app, tmp_path, keys):
    for number, kind in enumerate((str, os.fsencode, lambda path: path)):
        copy = tmp_path / f"copy{number}.db"
        litecopy.backup(kind(app), kind(copy))
        assert keys(copy) == [3, 4]
        assert litecopy.connect(kind(app)).serialize() == app.read_bytes()


def test_options(large, tmp_path):
    report = litecopy.backup(large, tmp_path / "copy.db", pages=100, consistency="hold", timeout=5, deadline=60,
                             verify=True, skip_free=True, rate=500_000_000, sync=False)
    assert report["page_count"] == large.stat().st_size // 4096
    assert report["bytes"] == large.stat().st_size
    for wrong in ({"consistency": "never"}, {"timeout": -1.0}, {"lock_style": "none at all"}):
        with pytest.raises(ValueError):
            litecopy.backup(large, tmp_path / "other.db", **wrong)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        litecopy.backup(large, tmp_path / "other.db", colour="red")


def test_scrub(app, tmp_path, sqlite3):
    connection = sqlite3.connect(app)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("CREATE TABLE secret (text)")
    connection.execute("INSERT INTO secret VALUES ('nobody may know')")
    connection.commit()
    connection.execute("DELETE FROM secret")
    connection.commit()
    connection.close()
    litecopy.backup(app, tmp_path / "plain.db")
    litecopy.backup(app, tmp_path / "scrubbed.db", scrub=True)
    assert b"nobody may know" in (tmp_path / "plain.db").read_bytes()
    assert b"nobody may know" not in (tmp_path / "scrubbed.db").read_bytes()


def test_timeout_and_deadline(app, tmp_path, sqlite3):
    writer = sqlite3.connect(app, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    for bound in ({"timeout": 0.1}, {"deadline": 0.1}):
        with pytest.raises(litecopy.OperationalError) as caught:
            litecopy.backup(app, tmp_path / "copy.db", sleep=0.01, **bound)
        assert caught.value.sqlite_errorname == "SQLITE_BUSY"
        assert caught.value.path == str(app)


def test_restore_and_refresh(app, tmp_path, keys, sqlite3):
    litecopy.backup(app, tmp_path / "copy.db")
    user = sqlite3.connect(app)
    user.execute("INSERT INTO foo VALUES (5)")
    user.commit()
    report = litecopy.refresh(app, tmp_path / "copy.db")
    assert report["written_bytes"] > 0
    assert keys(tmp_path / "copy.db") == [3, 4, 5]
    user.execute("DELETE FROM foo")
    user.commit()
    litecopy.restore(tmp_path / "copy.db", app)
    assert [key for key, in user.execute("SELECT key FROM foo ORDER BY key")] == [3, 4, 5]


def test_a_set_is_copied_as_of_one_instant(app, large, tmp_path, keys):
    database = litecopy.connect(app)
    database.attach("large", large)
    reports = litecopy.copy_set(database, tmp_path / "set")
    assert set(reports) == {"main", "large"}
    assert keys(tmp_path / "set" / "app.db") == [3, 4]
    assert (tmp_path / "set" / "large.db").read_bytes() == large.read_bytes()


def test_a_manifest_tells_rot(large, tmp_path):
    copy = tmp_path / "copy.db"
    manifest = litecopy.backup(large, copy, manifest=True)["manifest"]
    assert litecopy.verify(copy, manifest)["unchanged"] is True
    with copy.open("r+b") as file:
        file.seek(5 * 4096 + 17)
        file.write(b"rot")
    assert litecopy.verify(copy, manifest)["unchanged"] is False


def test_untrusted(tmp_path, large):
    assert litecopy.connect(large, untrusted=True).getlimit(litecopy.LIMIT_PAGES) < \
        litecopy.connect(large).getlimit(litecopy.LIMIT_PAGES)


def test_versions_in_the_log(app, sqlite3):
    user = sqlite3.connect(app)
    user.execute("PRAGMA journal_mode = wal")
    file_alone = app.read_bytes()
    for key in (5, 6):
        user.execute("INSERT INTO foo VALUES (?)", (key,))
        user.commit()
    images = [litecopy.connect(app, as_of=version).serialize() for version in (0, 1, 2)]
    assert images[0] == file_alone
    assert len(set(images)) == 3
    assert litecopy.connect(app).serialize() == images[2]
    with pytest.raises(litecopy.OperationalError):
        litecopy.connect(app, as_of=3).serialize()
    user.close()
