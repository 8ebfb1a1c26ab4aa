from os import PathLike
from types import TracebackType
from typing import Any, Callable, Iterator, Literal, TypeAlias, TypedDict, final

import sqlite3

StrPath: TypeAlias = str | bytes | PathLike[str] | PathLike[bytes]
LockStyle: TypeAlias = Literal["posix", "flock", "dotfile", "none"]
Consistency: TypeAlias = Literal["auto", "hold", "step"]
Progress: TypeAlias = Callable[[int, int, int], object]

__version__: str

LIMIT_PAGES: int
LIMIT_LOG_BYTES: int
LIMIT_JOURNAL_BYTES: int
LIMIT_OVERLAY_BYTES: int
LIMIT_CHAIN_LENGTH: int
LIMIT_RECORD_BYTES: int

class Error(sqlite3.Error):
    kind: str | None
    path: str | None
    advice: str | None
    sqlite_errorcode: int
    sqlite_errorname: str

class DatabaseError(Error, sqlite3.DatabaseError): ...
class OperationalError(DatabaseError, sqlite3.OperationalError): ...
class ProgrammingError(DatabaseError, sqlite3.ProgrammingError): ...
class NotSupportedError(DatabaseError, sqlite3.NotSupportedError): ...
class SameDatabaseError(ProgrammingError, ValueError): ...

class Report(TypedDict, total=False):
    page_count: int
    page_size: int
    bytes: int
    read_bytes: int
    written_bytes: int | None
    restarts: int
    busy_count: int
    held: bool
    longest_lock_seconds: float
    locked_seconds: float
    elapsed_seconds: float
    journal_mode: Literal["wal", "rollback"]
    manifest: dict[str, Any]

@final
class Database:
    def __init__(
        self, database: StrPath, *, lock_style: LockStyle = ..., immutable: bool = ..., as_of: int | None = ...,
        untrusted: bool = ...,
    ) -> None: ...
    def __enter__(self) -> Database: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
    def close(self) -> None: ...
    def attach(self, name: str, path: StrPath) -> None: ...
    def getlimit(self, category: int) -> int: ...
    def setlimit(self, category: int, limit: int) -> int: ...
    def serialize(self, *, name: str = ...) -> bytes: ...
    def backup(
        self, target: Database | sqlite3.Connection, *, pages: int = -1, progress: Progress | None = None,
        name: str = "main", sleep: float = 0.250, consistency: Consistency = ..., timeout: float | None = ...,
        deadline: float | None = ..., rate: int | None = ..., verify: bool = ..., skip_free: bool = ...,
        scrub: bool = ..., sync: bool = ...,
    ) -> None: ...

def connect(
    database: StrPath, *, lock_style: LockStyle = ..., immutable: bool = ..., as_of: int | None = ...,
    untrusted: bool = ...,
) -> Database: ...
def backup(
    source: StrPath | Database | sqlite3.Connection, target: StrPath | Database | sqlite3.Connection, *,
    pages: int = -1, progress: Progress | None = None, name: str = "main", sleep: float = 0.250,
    consistency: Consistency = ..., timeout: float | None = ..., deadline: float | None = ...,
    rate: int | None = ..., verify: bool = ..., manifest: bool = ..., skip_free: bool = ..., scrub: bool = ...,
    sync: bool = ..., replace: bool = ...,
) -> Report: ...
def restore(
    backup: StrPath | Database, database: StrPath | Database | sqlite3.Connection, *,
    progress: Progress | None = None, **options: Any,
) -> Report: ...
def refresh(
    source: StrPath | Database, copy: StrPath | Database, *, progress: Progress | None = None, **options: Any
) -> Report: ...
def copy_set(
    database: Database | StrPath, folder: StrPath, *, progress: Progress | None = None, **options: Any
) -> dict[str, Report]: ...
def verify(copy: StrPath, manifest: dict[str, Any] | StrPath) -> dict[str, Any]: ...

def info(file: StrPath, **reading: Any) -> dict[str, Any]: ...
def locks(file: StrPath) -> dict[str, Any]: ...
def check(file: StrPath, *, quick: bool = ..., all: bool = ..., **reading: Any) -> dict[str, Any]: ...
def space(file: StrPath, **reading: Any) -> dict[str, Any]: ...
def page(file: StrPath, number: int, **reading: Any) -> dict[str, Any]: ...
def journal(file: StrPath, **reading: Any) -> dict[str, Any]: ...
def shm(file: StrPath, **reading: Any) -> dict[str, Any]: ...
def pages(file: StrPath, **reading: Any) -> Iterator[dict[str, Any]]: ...
def wal(file: StrPath, *, frames: bool = ..., **reading: Any) -> Iterator[dict[str, Any]]: ...
def diff(
    a: StrPath, b: StrPath | None = ..., *, versions: tuple[int, int] | None = ..., **reading: Any
) -> dict[str, Any]: ...
def rows(file: StrPath, table: str | None = ..., **reading: Any) -> Iterator[dict[str, Any]]: ...
def deleted(file: StrPath, table: str | None = ..., **reading: Any) -> Iterator[dict[str, Any]]: ...
