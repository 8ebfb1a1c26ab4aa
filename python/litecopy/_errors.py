"""The exceptions: sqlite3's own kinds where sqlite3 can be imported, kinds of the same names where it cannot."""

try:
    import sqlite3 as _sqlite3
except ImportError:  # An interpreter that was built without libsqlite3.
    _sqlite3 = None

# SQLite's result codes that litecopy's errors have.
_NAMES = {1: "SQLITE_ERROR", 5: "SQLITE_BUSY", 8: "SQLITE_READONLY", 9: "SQLITE_INTERRUPT", 10: "SQLITE_IOERR",
          11: "SQLITE_CORRUPT", 13: "SQLITE_FULL", 14: "SQLITE_CANTOPEN", 18: "SQLITE_TOOBIG", 26: "SQLITE_NOTADB"}


def _bases(name, *others):
    """`others`, and sqlite3's exception of this name if there is one."""
    return others if _sqlite3 is None else (*others, getattr(_sqlite3, name))


class Error(*_bases("Error", *(() if _sqlite3 else (Exception,)))):
    """What every error of litecopy is.

    ``kind`` is the name of litecopy's kind of error (``"busy"``, ``"not_a_database"``), ``path`` the file that it is
    about, ``advice`` a sentence on what to do or None; ``sqlite_errorcode`` and ``sqlite_errorname`` are the
    nearest of SQLite's own.
    """

    kind = None
    path = None
    advice = None
    sqlite_errorname = "SQLITE_ERROR"
    sqlite_errorcode = 1


class DatabaseError(*_bases("DatabaseError", Error)):
    """The file is not what it should be: no database, or damaged."""


class OperationalError(*_bases("OperationalError", DatabaseError)):
    """It could not be done now: busy, not found, not permitted, no space, over a limit."""


class ProgrammingError(*_bases("ProgrammingError", DatabaseError)):
    """A wrong call: a closed database, a limit that there is not."""


class NotSupportedError(*_bases("NotSupportedError", DatabaseError)):
    """A database that litecopy does not read: a newer format, an encrypted one."""


class SameDatabaseError(ProgrammingError, ValueError):
    """Source and target are one database."""


# Which exception an error of the library is, by its kind. Others are OperationalError.
_KINDS = {
    "not_a_database": DatabaseError,
    "damaged": DatabaseError,
    "not_as_written": DatabaseError,
    "unsupported": NotSupportedError,
    "same_file": SameDatabaseError,
}


def error_of(kind, code, message, path, advice):
    """The exception for an error of the library."""
    error = _KINDS.get(kind, OperationalError)(message)
    error.kind, error.path, error.advice = kind, path, advice
    error.sqlite_errorcode, error.sqlite_errorname = code, _NAMES.get(code, "SQLITE_ERROR")
    return error
