"""The audit database: SQLite with a write-ahead log, every commit on the disk before it returns.

`rows` is the log. `cards` and `feedback` only point into it, so that feedback, which names no patient,
finds its card, and `configured` to what was last written about the configuration: what they point to is
read from the log, never from them. `tokens` is no part of the log: it is what `clients.replay` remembers
for some minutes, here because all processes share this file.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from cds_service.failures import Failure, Kind

APPLICATION = 0x48434453  # "HCDS", in the file's header
LAYOUT = 2  # 2: with `configured` and `tokens`
PATIENCE = 2.0  # seconds to wait for another writer before a call is refused
_LONGEST_JOURNAL = 64 * 1024 * 1024
_NAP = 0.01
_GLANCE = 0.5  # seconds that a look at the database waits for its lock
_ROOM = 16 * 1024 * 1024  # bytes that must be free: some hundred answers

_TABLES = """
CREATE TABLE rows (
    row INTEGER PRIMARY KEY,
    writer TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    body BLOB NOT NULL,
    schema INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    checkpoint INTEGER NOT NULL,
    UNIQUE (writer, sequence)
);
CREATE INDEX checkpoints ON rows (row) WHERE checkpoint;
CREATE TABLE cards (
    card TEXT PRIMARY KEY,
    row INTEGER NOT NULL REFERENCES rows,
    client TEXT NOT NULL,
    patient TEXT NOT NULL
);
CREATE INDEX cards_of_patient ON cards (patient);
CREATE TABLE feedback (
    card TEXT NOT NULL,
    client TEXT NOT NULL,
    outcome TEXT NOT NULL,
    claimed TEXT NOT NULL,
    row INTEGER NOT NULL REFERENCES rows,
    PRIMARY KEY (card, client, outcome, claimed)
);
"""
_CONFIGURED = """
CREATE TABLE configured (row INTEGER PRIMARY KEY REFERENCES rows);
"""  # since layout 2
# Since layout 2. The only table whose rows are removed: it says nothing about what was answered.
_TOKENS = """
CREATE TABLE tokens (
    token BLOB PRIMARY KEY,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tokens_by_expiry ON tokens (expires);
"""
# Against a slip of the hand, not against an intruder: that is what the chains are for.
_APPEND_ONLY = """
CREATE TRIGGER {table}_{what}_refused BEFORE {what} ON {table}
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""
_CAUSES = {
    sqlite3.SQLITE_BUSY: ("is locked by another program", "end what holds it open for writing"),
    sqlite3.SQLITE_LOCKED: ("is locked by another program", "end what holds it open for writing"),
    sqlite3.SQLITE_FULL: ("has no room left", "free space on its disk"),
    sqlite3.SQLITE_READONLY: ("may not be written", "let the service write it and its folder"),
    sqlite3.SQLITE_PERM: ("may not be opened", "let the service write it and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "make its folder, writable for the service"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "keep it, restore a backup, run: cds-service audit verify"),
    sqlite3.SQLITE_NOTADB: ("is no SQLite database", "give another file as CDS_AUDIT_DB"),
    sqlite3.SQLITE_IOERR: ("cannot be written: the disk fails", "see the system's log"),
}


@contextmanager
def available(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise inside into a failure that says what to do.

    Raises:
        Failure: unavailable. A caller passes it on: nothing is answered that is not written down.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of the number is detail
        what, todo = _CAUSES.get(code, (f"cannot be used ({type(error).__name__})", ""))
        raise unavailable(path, what, todo) from error
    except OSError as error:
        what = f"cannot be used: {error.strerror}"
        raise unavailable(path, what, "let the service write it and its folder") from error


def unavailable(path: Path, what: str, todo: str) -> Failure:
    """The failure that stands for "503, no unaudited advice"."""
    return Failure(Kind.UNAVAILABLE, f"the audit log {what}", where=str(path), todo=todo)


def prepare(path: Path, patience: float = PATIENCE) -> None:
    """Make the database if it is not there, and bring an earlier layout up to this one.

    Safe for several processes at once.

    Raises:
        Failure: unavailable when it cannot be made, written, or is another program's.
    """
    with available(path):
        with suppress(FileExistsError):
            # 0600, and SQLite gives its journal the same. Only a new file is opened here: closing one
            # that SQLite has open would drop the locks of this whole process (POSIX).
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(_opened(path, patience)) as connection:
            _enter_wal(connection, patience)
            connection.execute("BEGIN IMMEDIATE")
            if not _laid_out(connection, path):
                _lay_out(connection)
            connection.execute("COMMIT")


def _enter_wal(connection: sqlite3.Connection, patience: float) -> None:
    # SQLite does not wait for a lock when it changes the journal mode.
    deadline = time.monotonic() + patience
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_NAP)


def _laid_out(connection: sqlite3.Connection, path: Path) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION and layout == LAYOUT:
        return True
    if application == APPLICATION and layout == 1:
        _add_second(connection)
        return True
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables:
        mine = application == APPLICATION
        what = f"is of layout {layout}, not {LAYOUT}" if mine else "is another program's database"
        raise unavailable(path, what, "give another file as CDS_AUDIT_DB")
    return False


def _lay_out(connection: sqlite3.Connection) -> None:
    _add(connection, _TABLES, "rows", "cards", "feedback")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    _add_second(connection)


def _add_second(connection: sqlite3.Connection) -> None:
    """What layout 2 has beyond layout 1."""
    _add(connection, _CONFIGURED, "configured")
    _add(connection, _TOKENS)
    connection.execute(f"PRAGMA user_version = {LAYOUT}")


def _add(connection: sqlite3.Connection, statements: str, *append_only: str) -> None:
    """Make tables; nothing is ever taken out of those that are `append_only`."""
    # Not `executescript`, which would commit the transaction that is open.
    triggers = [
        _APPEND_ONLY.format(table=table, what=what)
        for table in append_only
        for what in ("UPDATE", "DELETE")
    ]
    for statement in (*statements.split(";\n"), *triggers):
        connection.execute(statement)


def identity(path: Path) -> tuple[int, int]:
    """Which file a path is now: another one after it was removed or replaced.

    Raises:
        OSError: there is none.
    """
    found = path.stat()
    return found.st_dev, found.st_ino


def writing(path: Path, patience: float = PATIENCE) -> sqlite3.Connection:
    """A connection that writes; the database must be there (`prepare`)."""
    connection = _opened(path, patience)
    connection.execute("PRAGMA synchronous = FULL")  # a commit survives the loss of power
    connection.execute(f"PRAGMA journal_size_limit = {_LONGEST_JOURNAL}")
    return connection


def probe(path: Path, patience: float = _GLANCE) -> None:
    """Find out whether the database could be written: its place, its lock, its disk.

    Raises:
        Failure: unavailable.
    """
    with available(path):
        with closing(_opened(path, patience)) as connection:
            if not _laid_out(connection, path):
                raise unavailable(path, "is empty", "start the service again")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        if shutil.disk_usage(path.parent).free < _ROOM:
            what, todo = _CAUSES[sqlite3.SQLITE_FULL]
            raise unavailable(path, what, todo)


def _opened(path: Path, patience: float) -> sqlite3.Connection:
    return _connected(f"{_uri(path)}?mode=rw", patience)


def reading(path: Path, patience: float = PATIENCE) -> sqlite3.Connection:
    """A connection that only reads: also of a copy in a folder that may not be written."""
    connection = _connected(f"{_uri(path)}?mode=ro", patience)
    try:
        connection.execute("SELECT 1 FROM rows LIMIT 1")
    except sqlite3.OperationalError:
        connection.close()
        journal = path.with_name(f"{path.name}-wal")
        if journal.exists() and journal.stat().st_size:
            raise  # rows are in there: without it the log would look cut off
        # Without a journal it can only be read as a file that nobody writes.
        connection = _connected(f"{_uri(path)}?mode=ro&immutable=1", patience)
    return connection


def _connected(uri: str, patience: float) -> sqlite3.Connection:
    # Used by one thread at a time, not always the same one.
    return sqlite3.connect(
        uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
    )


def _uri(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}"
