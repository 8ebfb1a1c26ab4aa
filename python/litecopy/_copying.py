"""The verbs that copy."""

import json
import os

from . import _litecopy
from ._database import Database, _check_progress, _checked, run
from ._errors import ProgrammingError


def backup(source, target, *, pages=-1, progress=None, name="main", sleep=0.250, **options):
    """Copies ``source`` into ``target`` and gives a report (a dict).

    Either is a path, a :class:`Database` or a :class:`sqlite3.Connection`. Besides the arguments of
    :meth:`Database.backup`:

    - ``consistency``: ``"auto"`` (the default here) ends beside any writer; ``"hold"``: one snapshot; ``"step"``: nothing
      is held between steps.
    - ``timeout`` (30): seconds to wait for a lock; ``deadline``: seconds for the whole. None waits without end.
    - ``verify``: read the copy back and compare. ``manifest``: also give sums of it, in ``report["manifest"]``, for
      :func:`verify`.
    - ``skip_free``: leave free pages out; ``scrub``: leave nothing of what was deleted.
    - ``rate``: bytes a second at most. ``sync`` (True): wait until the copy is on the device.
    - ``replace``: put a new file in the place of an old target instead of writing in place.
    """
    pages, sleep = _checked(pages, name, sleep)
    _check_progress(progress)
    if options.get("replace"):
        options.setdefault("in_place", False)
    return run(source, target, {"pages": pages, "sleep": sleep, **options}, name, progress)


def restore(backup, database, *, progress=None, **options):
    """Puts the content of ``backup`` into ``database``, which others may have open; gives a report."""
    _check_progress(progress)
    return run(backup, database, options, "main", progress)


def refresh(source, copy, *, progress=None, **options):
    """Brings an older copy up to date, writing only the pages that differ; gives a report."""
    _check_progress(progress)
    return run(source, copy, {"refresh": True, "in_place": False, **options}, "main", progress)


def copy_set(database, folder, *, progress=None, **options):
    """Copies ``main`` and all that are attached to the :class:`Database`, as of one instant, into the new ``folder``.

    Gives the reports by name.
    """
    _check_progress(progress)
    if not isinstance(database, Database):
        database = Database(database)
    members = [(name, database._source(name)) for name in database._paths]
    if any(source[0] != "path" for _, source in members):
        raise ProgrammingError("a set is made of files")
    members = [(name, source[1]) for name, source in members]
    return _litecopy.copy_set(members, os.fsdecode(folder), {**database._options(), **options}, progress)


def verify(copy, manifest):
    """Whether ``copy`` is still what ``manifest`` says (a dict, or the path of a file): a dict with what is not."""
    if isinstance(manifest, dict):
        text = json.dumps(manifest)
    else:
        with open(manifest, encoding="utf-8") as file:
            text = file.read()
    return json.loads(_litecopy.verify(os.fsdecode(copy), text))
