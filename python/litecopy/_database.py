"""Databases by name, and the well-known call ``backup``."""

import operator
import os

from . import _connections, _litecopy
from ._errors import OperationalError, ProgrammingError

MEMORY = ":memory:"


def connect(database, *, lock_style="posix", immutable=False, as_of=None, untrusted=False):
    """The database at ``database``: a path (``str``, ``bytes``, ``os.PathLike``), or ``":memory:"`` for one in memory.

    Nothing is opened or locked before it is used, and no file is made.

    ``lock_style`` is the kind of lock that the programs using it take: ``"posix"``, ``"flock"``, ``"dotfile"`` or
    ``"none"``. ``immutable`` takes no locks, for files that nobody can change. ``as_of`` chooses a version: 0 is the
    file alone, N the state after the N-th commit in the log. ``untrusted`` sets tight limits for files from strangers.
    """
    return Database(database, lock_style=lock_style, immutable=immutable, as_of=as_of, untrusted=untrusted)


class Database:
    """A database, called ``main``, and those attached to it; made by :func:`connect`.

    A context manager: it is closed at the end of the ``with`` block.
    """

    def __init__(self, database, *, lock_style="posix", immutable=False, as_of=None, untrusted=False):
        path = os.fsdecode(database)
        self._reading = {"lock_style": lock_style, "immutable": bool(immutable), "as_of": as_of,
                         "untrusted": bool(untrusted)}
        _litecopy.check_reading(self._reading)
        self._paths = {"main": None if path == MEMORY else os.path.abspath(path)}
        self._image = b"" if path == MEMORY else None
        self._limits = {}
        self._closed = False

    def __repr__(self):
        state = "closed" if self._closed else "in memory" if self._image is not None else repr(self._paths["main"])
        return f"<litecopy.Database {state}>"

    def __enter__(self):
        self._check_open()
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Closes it; what is closed already stays so."""
        self._closed = True
        if self._image is not None:
            self._image = b""

    def attach(self, name, path):
        """Adds the database at ``path`` under ``name``, as SQLite's ATTACH does."""
        self._check_open()
        if name in (*self._paths, "temp"):
            raise OperationalError(f"database {name} is already in use")
        self._paths[name] = os.path.abspath(os.fsdecode(path))

    def getlimit(self, category):
        """The limit of a category, one of the ``LIMIT_`` constants."""
        self._check_open()
        name = _limit_name(category)
        return self._limits.get(name, _litecopy.limit_default(name, self._reading["untrusted"]))

    def setlimit(self, category, limit):
        """Sets a limit and gives the one before; a negative one changes nothing."""
        previous = self.getlimit(category)
        limit = operator.index(limit)
        if limit >= 0:
            self._limits[_limit_name(category)] = limit
        return previous

    def serialize(self, *, name="main"):
        """The bytes of the database ``name``: of one in memory as they are, of a file one committed version."""
        self._check_open()
        source = self._source(name)
        if source[0] == "image":
            return source[1]
        return _litecopy.copy(source, ("memory",), self._options(), None)[1]

    def backup(self, target, *, pages=-1, progress=None, name="main", sleep=0.250, **options):
        """Copies the database ``name`` into ``target``, as :meth:`sqlite3.Connection.backup` does.

        ``target`` is a :class:`Database`, or a :class:`sqlite3.Connection`. A file that is not there is made; one that
        is there is written in place, while others may have it open. At or below 0 ``pages`` are copied all in one step.
        ``progress(status, remaining, total)`` is called after each step with status 0 (more), 5 (busy), 6 (locked) or
        101 (done); an exception that it raises comes out of this call, and the target is what it was.
        ``sleep`` seconds are waited after a step that was busy.

        ``options`` are those of :func:`litecopy.backup`.
        """
        if not isinstance(target, Database) and not _connections.is_connection(target):
            kind = type(target).__name__
            raise TypeError(f"backup() argument 'target' must be litecopy.Database, not {kind}")
        pages, sleep = _checked(pages, name, sleep)
        self._check_open()
        if isinstance(target, Database):
            target._check_open()
        if target is self:
            raise ValueError("target cannot be the same connection instance")
        _check_progress(progress)
        run(self, target, {"pages": pages, "sleep": sleep, "timeout": None, "consistency": "step", **options},
            name, progress)

    def _check_open(self):
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed database.")

    def _source(self, name):
        self._check_open()
        if name == "temp":
            raise OperationalError("unknown database temp: no other process can read temporary tables")
        if name not in self._paths:
            raise OperationalError(f"unknown database {name}")
        path = self._paths[name]
        return ("image", self._image) if path is None else ("path", path)

    def _options(self):
        return {**self._reading, "limits": self._limits}

    def _target(self):
        self._check_open()
        return ("memory",) if self._image is not None else ("path", self._paths["main"])

    def _take(self, image):
        self._image = image


def run(source, target, options, name, progress):
    """One copy between any two of: a path, a :class:`Database`, a :class:`sqlite3.Connection`. Gives the report."""
    source, target = _database(source), _database(target)
    to = target._target()
    if to[0] == "path":
        options = {"in_place": True, **options}
    report, image = _litecopy.copy(source._source(name), to, {**source._options(), **options}, progress)
    if image is not None:
        target._take(image)
    return report


def _database(given):
    if isinstance(given, Database):
        return given
    return _connections.Connected(given) if _connections.is_connection(given) else Database(given)


def _checked(pages, name, sleep):
    """The arguments that have a type, in the order in which sqlite3 checks them."""
    try:
        pages = operator.index(pages)
    except TypeError:
        kind = type(pages).__name__
        raise TypeError(f"'{kind}' object cannot be interpreted as an integer") from None
    if not isinstance(name, str):
        raise TypeError(f"backup() argument 'name' must be str, not {type(name).__name__}")
    if not isinstance(sleep, (int, float)):
        raise TypeError(f"must be real number, not {type(sleep).__name__}")
    return pages, max(float(sleep), 0.0)


def _check_progress(progress):
    if progress is not None and not callable(progress):
        raise TypeError("progress argument must be a callable")


def _limit_name(category):
    names = _litecopy.LIMITS
    index = operator.index(category)
    if not 0 <= index < len(names):
        raise ProgrammingError("'category' is out of bounds")
    return names[index]
