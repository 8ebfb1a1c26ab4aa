"""The verbs that look inside: dicts, and iterators of dicts, with the keys of the command's `--json`."""

import json
import os
import warnings

from . import _litecopy


def _report(verb, file, options):
    return json.loads(_litecopy.report(verb, os.fsdecode(file), options))


def _lines(verb, file, options):
    return map(json.loads, _litecopy.lines(verb, os.fsdecode(file), options))


def info(file, **reading):
    """What a database is: header, journal mode, side files, schema, locks."""
    return _report("info", file, reading)


def locks(file):
    """Who holds which lock on a database, and what its readers keep of its log."""
    return _report("locks", file, {})


def check(file, *, quick=False, all=False, **reading):
    """Whether a database is sound: ``sound``, ``findings``, ``not_checked``. ``quick`` leaves out indexes against rows."""
    return _report("check", file, {"quick": bool(quick), "all": bool(all), **reading})


def space(file, **reading):
    """What fills a database: pages and bytes by table and index."""
    return _report("space", file, reading)


def page(file, number, **reading):
    """One page decoded, cell by cell."""
    return _report("page", file, {"number": number, **reading})


def journal(file, **reading):
    """The rollback journal: hot or not and why, its segments and records."""
    return _report("journal", file, reading)


def shm(file, **reading):
    """The wal-index beside the log: headers, marks, locks, and where it differs from the log."""
    return _report("shm", file, reading)


def diff(a, b=None, *, versions=None, **reading):
    """What differs between two databases, or between two ``versions=(N, M)`` of one: pages, and rows by table."""
    other = None if b is None else os.fsdecode(b)
    return _report("diff", a, {"other": other, "versions": versions, **reading})


def pages(file, **reading):
    """Each page's use, owner, fill and origin, in page order."""
    return _lines("pages", file, reading)


def wal(file, *, frames=False, **reading):
    """The log: its header, each commit (or with ``frames`` each frame), and where it ends and why."""
    return _lines("wal", file, {"frames": bool(frames), **reading})


def rows(file, table=None, **reading):
    """The rows of a table, or of all, straight from the pages."""
    return _lines("rows", file, {"table": table, **reading})


def deleted(file, table=None, **reading):
    """Rows that were deleted or overwritten and whose bytes are still there, with where they were found."""
    return _lines("deleted", file, {"table": table, **reading})


def acquire(file, folder, *, max_hold=None, **reading):
    """Takes a database as evidence into a new folder: its files as they are, the merged copy, a manifest and a report. Note down
    ``manifest_sha256`` of what is given back."""
    return _report("acquire", file, {"folder": os.fsdecode(folder), "max_hold": max_hold, **reading})


def verify_bundle(folder, manifest_sha256=None):
    """Whether such a folder is what it was: ``intact``, ``findings``. ``manifest_sha256`` is what was noted down when it was made."""
    given = None if manifest_sha256 is None else list(bytes.fromhex(manifest_sha256))
    return _report("verify_bundle", folder, {"manifest_sha256": given})


def dump(file, *, lost_and_found="lost_and_found", **reading):
    """A database as SQL, statement by statement, as ``sqlite3.Connection.iterdump()`` gives it; of a damaged one all that can be read.

    What belongs to no table goes to one of the name ``lost_and_found``; with ``None`` it is left out. Where anything is missing, or
    is there in another way, a warning says so after the last statement.
    """
    for line in _litecopy.lines("dump", os.fsdecode(file), {"lost_and_found": lost_and_found, **reading}):
        if line.startswith("s"):
            yield line[1:]
            continue
        report = json.loads(line[1:])
        counts = {key: value for key, value in report.items() if key.endswith("_count") and value}
        told = {key: value for key, value in report.items() if isinstance(value, list) and value}
        for known in ("table_count", "row_count"):
            counts.pop(known, None)
        if counts or told:
            warnings.warn(f"the dump of {os.fsdecode(file)} is not whole: {counts | told}", stacklevel=2)
