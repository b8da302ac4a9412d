"""The audit log: on the disk before an answer leaves, whole whatever happens to the process."""

import atexit
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cds_service.audit import chain, secret, store
from cds_service.audit.event import Event
from cds_service.audit.writer import Writer
from cds_service.failures import Failure

if TYPE_CHECKING:
    from sqlite3 import Connection

logger = logging.getLogger(__name__)


class RowId(msgspec.Struct, frozen=True):
    """Where an event was written."""

    row: int
    writer: str
    sequence: int


class _Waiting:
    """Events that a thread wants written, and what became of them."""

    __slots__ = ("events", "failure", "rows")

    def __init__(self, events: Sequence[tuple[Event, bytes]]) -> None:
        self.events = events
        self.rows: tuple[RowId, ...] | None = None
        self.failure: Exception | None = None


class _Process:
    """What belongs to one process and is of no use after a fork: locks and connections."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.queue: deque[_Waiting] = deque()
        self.writer: Writer | None = None
        self.read_lock = threading.Lock()
        self.reader: Connection | None = None


class AuditLog:
    """The audit log.

    Safe for threads, and for processes: a process begins its own chain with its first row, also after
    a fork, so that no two ever write to one chain. Until then no connection is open.
    """

    def __init__(
        self,
        path: Path,
        *,
        key: str = "",
        every: int = chain.EVERY,
        patience: float = store.PATIENCE,
    ) -> None:
        """Make what is not there yet: the folder, the secret, the database.

        Args:
            path: the database.
            key: the secret in hexadecimal; else it is kept in a file beside the database.
            every: rows of one chain from a checkpoint to the next, at most `chain.EVERY`.
            patience: how many seconds to wait for another writer.

        Raises:
            Failure: unavailable, when a row could not be written here either; incorrect for a `key`
                that is none.
        """
        self.path = path
        with store.available(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.secret = secret.beside(path, key)
        store.prepare(path, patience)
        self._every = min(every, chain.EVERY)
        self._patience = patience
        self._mine = _Process()
        self._left_alone: _Process | None = None
        _register(self)

    def append(self, event: Event) -> RowId:
        """Write one event; see `append_all`."""
        return self.append_all((event,))[0]

    def append_all(self, events: Sequence[Event]) -> tuple[RowId, ...]:
        """Write events, all or none; they are on the disk when this returns.

        Raises:
            Failure: unavailable, saying why and what to do. Then the answer must not leave: there is
                no unaudited advice.
        """
        waiting = _Waiting([(event, chain.canonical(event)) for event in events])
        mine = self._mine
        mine.queue.append(waiting)
        with mine.lock:
            # Whoever comes in writes for all who wait: one flush of the disk serves them together.
            if waiting.rows is None and waiting.failure is None:
                self._write_all_waiting(mine)
        if waiting.failure is not None:
            raise waiting.failure
        assert waiting.rows is not None
        return waiting.rows

    def select(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read, beside the writing.

        Raises:
            Failure: unavailable.
        """
        mine = self._mine
        with store.available(self.path), mine.read_lock:
            if mine.reader is None:
                mine.reader = store.reading(self.path, self._patience)
            return list(mine.reader.execute(statement, parameters))

    def probe(self) -> None:
        """Find out whether a row could be written, and write none.

        Raises:
            Failure: unavailable, saying why.
        """
        store.probe(self.path)

    def close(self) -> None:
        """End this process's chain with a checkpoint; a later `append` begins another.

        Done by itself when the process ends in good order.

        Raises:
            Failure: unavailable, when the checkpoint cannot be written.
        """
        mine = self._mine
        with mine.read_lock:
            if mine.reader is not None:
                mine.reader.close()
            mine.reader = None
        with mine.lock:
            writer, mine.writer = mine.writer, None
            if writer is not None:
                writer.close()

    def _write_all_waiting(self, mine: _Process) -> None:
        batch = []
        while mine.queue:
            batch.append(mine.queue.popleft())
        try:
            if mine.writer is None:
                mine.writer = Writer(self.path, self.secret, self._every, self._patience)
            written = mine.writer.write([one for waiting in batch for one in waiting.events])
        except BaseException as error:
            _abandon(mine)
            ended = not isinstance(error, Exception)  # the process is, in this thread
            for waiting in batch:
                waiting.failure = error if isinstance(error, Exception) else _interrupted(self.path)
            if ended:
                raise
            return
        rows = iter(written)
        for waiting in batch:
            its_own = islice(rows, len(waiting.events))
            waiting.rows = tuple(RowId(one.row, one.writer, one.sequence) for one in its_own)

    def _forget(self) -> None:
        """Begin anew in the child after a fork.

        A lock may be held by a thread that the child does not have; and a connection must not be used,
        nor closed, in two processes: the parent's is kept from being collected, and left alone.
        """
        self._left_alone = self._mine
        self._mine = _Process()


def _abandon(mine: _Process) -> None:
    writer, mine.writer = mine.writer, None
    if writer is not None:
        with suppress(Exception):
            writer.abandon()


def _interrupted(path: Path) -> Failure:
    return store.unavailable(path, "was interrupted", "send the request again")


def _register(log: AuditLog) -> None:
    """Have the interpreter tell a log of a fork and of its own end, without keeping it alive.

    At the end the chain is closed, whichever server runs the service and whether or not it asks for it.
    """
    known = weakref.ref(log)

    def after_in_child() -> None:
        found = known()
        if found is not None:
            found._forget()  # noqa: SLF001 - the log's own

    def at_exit() -> None:
        found = known()
        if found is not None:
            try:
                found.close()
            except Failure as failure:
                logger.warning("the last checkpoint is missing: %s", failure)

    os.register_at_fork(after_in_child=after_in_child)
    atexit.register(at_exit)
