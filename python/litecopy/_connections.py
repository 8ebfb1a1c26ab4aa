"""sqlite3's own connections as source and target: their files, or their images when they are in memory."""

import os

from ._errors import NotSupportedError, OperationalError, _sqlite3


def is_connection(given):
    """Whether it is one of sqlite3's connections."""
    return _sqlite3 is not None and isinstance(given, _sqlite3.Connection)


class Connected:
    """A connection, seen as a :class:`litecopy.Database`."""

    def __init__(self, connection):
        self._connection = connection

    def _source(self, name):
        if name == "temp":
            raise OperationalError("unknown database temp: no other process can read temporary tables")
        path = self._path_of(name)
        if path:
            if self._connection.in_transaction:
                raise OperationalError("source is in transaction: what it has not committed would not be in the copy")
            return ("path", path)
        return ("image", self._image_call("serialize")(name=name))

    def _options(self):
        return {}

    def _target(self):
        path = self._path_of("main")
        if self._connection.in_transaction:
            raise OperationalError("target is in transaction")
        if path:
            return ("path", path)
        self._image_call("deserialize")
        return ("deserializable",)

    def _take(self, image):
        self._image_call("deserialize")(image)

    def _path_of(self, name):
        # sqlite3 itself says when the connection is closed, or belongs to another thread.
        for _, attached, path in self._connection.execute("PRAGMA database_list"):
            if attached == name:
                # SQLite gives the whole path of a file. One in memory has none, or once it was deserialized a mere "x".
                return path if os.path.isabs(path) else ""
        raise OperationalError(f"unknown database {name}")

    def _image_call(self, name):
        call = getattr(self._connection, name, None)
        if call is None:
            raise NotSupportedError(f"a connection in memory needs Python 3.11 or later (Connection.{name})")
        return call
