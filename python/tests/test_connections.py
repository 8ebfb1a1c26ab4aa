"""sqlite3's own connections as source and target."""

import sys

import pytest

import litecopy

needs_images = pytest.mark.skipif(sys.version_info < (3, 11), reason="Connection.serialize is new in Python 3.11")


@pytest.fixture
def connection(app, sqlite3):
    connection = sqlite3.connect(app)
    yield connection
    connection.close()


def rows(connection):
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return [key for key, in connection.execute("SELECT key FROM foo ORDER BY key")]


def test_a_connection_to_a_file(connection, tmp_path, keys):
    report = litecopy.backup(connection, tmp_path / "copy.db")
    assert report["page_count"] == 2
    assert keys(tmp_path / "copy.db") == [3, 4]


def test_an_attached_database_of_a_connection(connection, tmp_path, keys):
    connection.execute("ATTACH ? AS other", (str(tmp_path / "other.db"),))
    connection.execute("CREATE TABLE other.foo (key INTEGER)")
    connection.execute("INSERT INTO other.foo VALUES (22)")
    connection.commit()
    litecopy.backup(connection, tmp_path / "copy.db", name="other")
    assert keys(tmp_path / "copy.db") == [22]
    with pytest.raises(litecopy.OperationalError, match="unknown database nobody"):
        litecopy.backup(connection, tmp_path / "copy.db", name="nobody")


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_file_that_a_connection_has_open_is_written_in_place(mode, app, tmp_path, sqlite3):
    target = sqlite3.connect(tmp_path / "open.db")
    target.execute(f"PRAGMA journal_mode = {mode}")
    target.execute("CREATE TABLE foo (key INTEGER)")
    target.commit()
    inode = (tmp_path / "open.db").stat().st_ino
    litecopy.backup(app, target)
    assert rows(target) == [3, 4]
    assert (tmp_path / "open.db").stat().st_ino == inode
    target.execute("INSERT INTO foo VALUES (5)")
    target.commit()
    assert rows(sqlite3.connect(tmp_path / "open.db")) == [3, 4, 5]


@needs_images
def test_connections_in_memory(app, tmp_path, keys, sqlite3):
    memory = sqlite3.connect(":memory:")
    litecopy.backup(app, memory)
    assert rows(memory) == [3, 4]
    memory.execute("INSERT INTO foo VALUES (5)")
    memory.commit()
    litecopy.backup(memory, tmp_path / "copy.db")
    assert keys(tmp_path / "copy.db") == [3, 4, 5]


@needs_images
def test_a_log_into_memory(app, sqlite3):
    writer = sqlite3.connect(app)
    writer.execute("PRAGMA journal_mode = wal")
    writer.execute("INSERT INTO foo VALUES (5)")
    writer.commit()
    memory = sqlite3.connect(":memory:")
    litecopy.backup(app, memory)
    assert rows(memory) == [3, 4, 5]


def test_inside_a_transaction_it_is_refused(app, connection, tmp_path, sqlite3):
    target = sqlite3.connect(tmp_path / "target.db")
    target.execute("CREATE TABLE foo (key INTEGER)")
    target.execute("INSERT INTO foo VALUES (1)")
    for source, to in ((app, target), (litecopy.connect(app), target)):
        with pytest.raises(sqlite3.OperationalError, match="target is in transaction"):
            litecopy.backup(source, to)
    with pytest.raises(litecopy.OperationalError, match="target is in transaction"):
        litecopy.connect(app).backup(target)
    target.rollback()
    connection.execute("INSERT INTO foo VALUES (6)")
    with pytest.raises(litecopy.OperationalError, match="source is in transaction"):
        litecopy.backup(connection, tmp_path / "copy.db")


def test_a_closed_connection(app, connection, tmp_path, sqlite3):
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError):
        litecopy.backup(connection, tmp_path / "copy.db")
    with pytest.raises(sqlite3.ProgrammingError):
        litecopy.backup(app, connection)


def test_errors_are_sqlite3s_too(tmp_path, sqlite3):
    (tmp_path / "text.db").write_text("no database at all" * 100)
    with pytest.raises(sqlite3.OperationalError) as caught:
        litecopy.backup(tmp_path / "missing.db", tmp_path / "copy.db")
    assert caught.value.sqlite_errorname == "SQLITE_CANTOPEN"
    assert caught.value.kind == "not_found"
    with pytest.raises(sqlite3.DatabaseError) as caught:
        litecopy.backup(tmp_path / "text.db", tmp_path / "copy.db")
    assert caught.value.sqlite_errorcode == sqlite3.SQLITE_NOTADB if sys.version_info >= (3, 11) else 26
