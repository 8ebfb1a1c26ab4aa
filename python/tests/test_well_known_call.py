"""`Database.backup` beside `sqlite3.Connection.backup`: the same arguments, calls of progress, and exceptions."""

import pytest

import litecopy


def both(sqlite3, path):
    """The same database, opened by sqlite3 and by litecopy."""
    return sqlite3.connect(path), litecopy.connect(path)


def raised(call):
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


MISTAKES = {
    "no target": lambda module, source, target: source.backup(),
    "a target that is None": lambda module, source, target: source.backup(None),
    "a path as target": lambda module, source, target: source.backup("some_file_name.db"),
    "itself as target": lambda module, source, target: source.backup(source),
    "a closed target": lambda module, source, target: (target.close(), source.backup(target)),
    "a closed source": lambda module, source, target: (source.close(), source.backup(target)),
    "both closed": lambda module, source, target: (source.close(), target.close(), source.backup(target)),
    "closed, and itself": lambda module, source, target: (source.close(), source.backup(source)),
    "positional arguments": lambda module, source, target: source.backup(target, 1),
    "pages that are text": lambda module, source, target: source.backup(target, pages="1"),
    "pages that are a float": lambda module, source, target: source.backup(target, pages=1.5),
    "a name that is a number": lambda module, source, target: source.backup(target, name=1),
    "an unknown name": lambda module, source, target: source.backup(target, name="non-existing"),
    "sleep that is text": lambda module, source, target: source.backup(target, sleep="1"),
    "progress that is text": lambda module, source, target: source.backup(target, progress="bar"),
    "itself, and progress that is text": lambda module, source, target: source.backup(source, progress="bar"),
    "an unknown argument": lambda module, source, target: source.backup(target, colour="red"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_same_mistake_is_the_same_exception(mistake, app, tmp_path, sqlite3):
    theirs, ours = both(sqlite3, app)
    expected = raised(lambda: MISTAKES[mistake](sqlite3, theirs, sqlite3.connect(":memory:")))
    found = raised(lambda: MISTAKES[mistake](litecopy, ours, litecopy.connect(tmp_path / "copy.db")))
    assert isinstance(found, type(expected)), (found, expected)
    if type(expected) is not TypeError:
        assert str(found) == str(expected)
    assert not (tmp_path / "copy.db").exists()


def test_simple(app, tmp_path, keys):
    assert litecopy.connect(app).backup(litecopy.connect(tmp_path / "copy.db")) is None
    assert keys(tmp_path / "copy.db") == [3, 4]


@pytest.mark.parametrize("pages", [-1, 0, 1, 2, 100, -7, 2**40, True])
def test_progress_is_called_as_sqlite3_calls_it(pages, app, tmp_path, sqlite3):
    theirs, ours = both(sqlite3, app)
    expected, found = [], []
    # sqlite3's own count of pages is a C int.
    theirs.backup(sqlite3.connect(":memory:"), pages=min(pages, 2**31 - 1), progress=lambda *said: expected.append(said))
    ours.backup(litecopy.connect(tmp_path / "copy.db"), pages=pages, progress=lambda *said: found.append(said))
    assert found == expected
    assert found[-1] == (101, 0, 2)


def test_no_progress(app, tmp_path, keys):
    litecopy.connect(app).backup(litecopy.connect(tmp_path / "copy.db"), progress=None)
    assert keys(tmp_path / "copy.db") == [3, 4]


@pytest.mark.parametrize("pages", [-1, 1])
@pytest.mark.parametrize("there", [False, True])
def test_an_exception_in_progress_comes_out_and_leaves_the_target(pages, there, app, tmp_path, keys, sqlite3):
    copy = tmp_path / "copy.db"
    if there:
        connection = sqlite3.connect(copy)
        connection.execute("CREATE TABLE foo (key INTEGER)")
        connection.commit()
        connection.close()

    def progress(status, remaining, total):
        raise SystemError("nearly out of space")

    with pytest.raises(SystemError, match="nearly out of space"):
        litecopy.connect(app).backup(litecopy.connect(copy), pages=pages, progress=progress)
    assert keys(copy) == [] if there else not copy.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["app.db"] + ["copy.db"] * there)


def test_the_source_is_modified_between_steps(app, tmp_path, keys, sqlite3):
    writer = sqlite3.connect(app)
    seen = []

    def progress(status, remaining, total):
        if not seen:
            writer.execute("INSERT INTO foo (key) VALUES (?)", (remaining + 1000,))
            writer.commit()
        seen.append(remaining)

    litecopy.connect(app).backup(litecopy.connect(tmp_path / "copy.db"), pages=1, progress=progress)
    assert len(seen) == 3  # One page, then both again.
    assert keys(tmp_path / "copy.db") == [3, 4, 1001]


def test_into_memory(app):
    memory = litecopy.connect(":memory:")
    litecopy.connect(app).backup(memory)
    assert memory.serialize() == app.read_bytes()
    again = litecopy.connect(":memory:")
    memory.backup(again)
    assert again.serialize() == app.read_bytes()


def test_an_attached_database(app, tmp_path, keys, sqlite3):
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE foo (key INTEGER)")
    other.execute("INSERT INTO foo VALUES (22)")
    other.commit()
    database = litecopy.connect(app)
    database.attach("attached_db", tmp_path / "other.db")
    database.backup(litecopy.connect(tmp_path / "copy.db"), name="attached_db")
    assert keys(tmp_path / "copy.db") == [22]
    with pytest.raises(litecopy.OperationalError, match="no other process can read"):
        database.backup(litecopy.connect(":memory:"), name="temp")
    with pytest.raises(litecopy.OperationalError, match="already in use"):
        database.attach("main", app)


def test_a_busy_source_is_told_with_5_and_slept_for(app, tmp_path, keys, sqlite3):
    writer = sqlite3.connect(app, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    said = []

    def progress(status, remaining, total):
        said.append(status)
        if status == 5 and len(said) == 2:
            writer.execute("COMMIT")

    litecopy.connect(app).backup(litecopy.connect(tmp_path / "copy.db"), progress=progress, sleep=0.001)
    assert said == [5, 5, 101]
    assert keys(tmp_path / "copy.db") == [3, 4]


def test_one_database_under_two_names(app):
    (app.parent / "link.db").symlink_to(app)
    with pytest.raises(ValueError) as caught:
        litecopy.connect(app).backup(litecopy.connect(app.parent / "link.db"))
    assert isinstance(caught.value, litecopy.ProgrammingError)


def test_limits(app):
    database = litecopy.connect(app)
    assert database.setlimit(litecopy.LIMIT_PAGES, 1) > 1
    assert database.getlimit(litecopy.LIMIT_PAGES) == 1
    assert database.setlimit(litecopy.LIMIT_PAGES, -1) == 1
    assert database.getlimit(litecopy.LIMIT_PAGES) == 1
    with pytest.raises(litecopy.OperationalError) as caught:
        database.backup(litecopy.connect(":memory:"))
    assert caught.value.sqlite_errorname == "SQLITE_TOOBIG"
    with pytest.raises(litecopy.ProgrammingError, match="'category' is out of bounds"):
        database.getlimit(1111)
    with pytest.raises(litecopy.ProgrammingError, match="'category' is out of bounds"):
        database.setlimit(-1, 0)


def test_a_closed_database_refuses_everything(app):
    with litecopy.connect(app) as database:
        pass
    for call in (lambda: database.backup(litecopy.connect(":memory:")), lambda: database.serialize(),
                 lambda: database.getlimit(0), lambda: database.attach("a", app), database.__enter__):
        with pytest.raises(litecopy.ProgrammingError, match="Cannot operate on a closed database"):
            call()
    database.close()
