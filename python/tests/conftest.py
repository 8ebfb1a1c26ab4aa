"""Databases to copy. sqlite3, where it can be imported, makes and judges them."""

import pytest


@pytest.fixture
def sqlite3():
    return pytest.importorskip("sqlite3")


@pytest.fixture
def app(tmp_path, sqlite3):
    """A database of a few pages with the rows (3,) and (4,), closed."""
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE foo (key INTEGER)")
    connection.executemany("INSERT INTO foo (key) VALUES (?)", [(3,), (4,)])
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def large(tmp_path, sqlite3):
    """A database of several hundred pages."""
    path = tmp_path / "large.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, version, pad)")
    connection.executemany("INSERT INTO t (version, pad) VALUES (1, ?)", [(bytes(3000),)] * 400)
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def keys(sqlite3):
    """Reads the rows of a copy, which must be sound."""

    def read(database):
        connection = sqlite3.connect(database)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return [key for key, in connection.execute("SELECT key FROM foo ORDER BY key")]
        finally:
            connection.close()

    return read
