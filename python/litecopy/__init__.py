"""Copies live SQLite databases, page by page, without libsqlite3.

>>> import litecopy
>>> source = litecopy.connect("app.db")
>>> source.backup(litecopy.connect("backup.db"))

A source is only ever read, under SQLite's own locks. See :func:`backup`, :func:`restore`, :func:`refresh`,
:func:`copy_set`, :func:`verify`, and for looking inside :func:`info`, :func:`check`, :func:`pages`, :func:`rows`.
"""

from . import _litecopy
from ._copying import backup, copy_set, refresh, restore, verify
from ._database import Database, connect
from ._errors import (DatabaseError, Error, NotSupportedError, OperationalError, ProgrammingError,
                      SameDatabaseError)
from ._inspection import (acquire, check, deleted, diff, dump, info, journal, locks, page, pages, rows, shm, space,
                          verify_bundle, wal)

__version__ = _litecopy.__version__

# LIMIT_PAGES and its like: the categories of Database.getlimit and setlimit.
_LIMITS = {"LIMIT_" + name.upper().replace("-", "_"): index for index, name in enumerate(_litecopy.LIMITS)}
globals().update(_LIMITS)

__all__ = ["Database", "DatabaseError", "Error", "NotSupportedError", "OperationalError", "ProgrammingError",
           "SameDatabaseError", "acquire", "backup", "check", "connect", "copy_set", "deleted", "diff", "dump", "info",
           "journal", "locks", "page", "pages", "refresh", "restore", "rows", "shm", "space", "verify", "verify_bundle",
           "wal", *_LIMITS]
