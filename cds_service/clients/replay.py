"""Each token once: what was used is remembered until it could not be used any more.

The memory is a table of the audit database, so that all processes share it; it is no part of the log,
and holds no token: only a hash of `iss` and `jti`, and when it may be forgotten. A replay after a loss
of power is possible for as long as a token lives, for nothing is flushed to the disk here; a call that
is answered is written to the log, and flushed, in any case.
"""

import os
import threading
from hashlib import sha256
from pathlib import Path
from sqlite3 import Connection

from cds_service.audit import store

_REMEMBER = "INSERT OR IGNORE INTO tokens (token, expires) VALUES (?, ?)"
_FORGET = "DELETE FROM tokens WHERE expires < ?"


class Replay:
    """The memory. Safe for threads and for processes, also across a fork."""

    def __init__(self, path: Path, patience: float = store.PATIENCE) -> None:
        """A memory in the audit database at `path`, which is there (`store.prepare`)."""
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._left_alone: list[Connection] = []
        os.register_at_fork(after_in_child=self._begin_anew)

    def first(self, issuer: str, jti: str, expires: int, now: float) -> bool:
        """Whether this token is used for the first time; of several at once, exactly one is.

        Args:
            issuer: its `iss`.
            jti: its `jti`.
            expires: until when it is remembered, in seconds since 1970.
            now: seconds since 1970.

        Raises:
            Failure: unavailable; then nobody can tell, and nobody is let in.
        """
        name = sha256(f"{len(issuer)}:{issuer}{jti}".encode("utf-8", "surrogatepass")).digest()
        with self._lock, store.available(self._path):
            connection = self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_FORGET, (int(now),))
                found = connection.execute(_REMEMBER, (name, expires)).rowcount
                connection.execute("COMMIT")
            except BaseException:
                self._close()
                raise
        return found == 1

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            self._close()

    def _open(self) -> Connection:
        identity = store.identity(self._path)
        if self._connection is None or identity != self._identity:
            # Removed or replaced under us: the other processes may remember in another file.
            self._close()
            self._identity = identity
            self._connection = store.writing(self._path, self._patience)
            self._connection.execute("PRAGMA synchronous = NORMAL")
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()  # and what was begun is undone

    def _begin_anew(self) -> None:
        """In the child after a fork: neither the lock nor the connection is its own."""
        if self._connection is not None:
            self._left_alone.append(self._connection)
        self._connection = None
        self._lock = threading.Lock()
