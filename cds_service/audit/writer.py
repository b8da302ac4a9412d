"""One writer: its connection and its chain. Used by one thread at a time, never after a fork."""

import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cds_service.audit import chain, store
from cds_service.audit.chain import Checkpoint, Row
from cds_service.audit.event import (
    UNKNOWN_CARD,
    Answered,
    Configured,
    Event,
    FeedbackReceived,
    moment,
)
from cds_service.audit.reading import COLUMNS, row_of
from cds_service.audit.secret import Secret

logger = logging.getLogger(__name__)

_INSERT = """
INSERT INTO rows (row, writer, sequence, previous, hash, body, schema, key_id, checkpoint)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# Of every chain that has grown since the newest checkpoint, that one included, the last row. With
# max(), SQLite takes the other columns from the row that has the maximum.
_GROWN = """
SELECT writer, max(sequence), hash FROM rows
WHERE row >= coalesce((SELECT max(row) FROM rows WHERE checkpoint), 0)
GROUP BY writer
"""
_CONFIGURED = f"SELECT {COLUMNS} FROM rows WHERE row = (SELECT max(row) FROM configured)"  # noqa: S608


class Writer:
    """Appends rows to a chain of its own.

    After any failure it is of no more use: what reached the disk is then not known here, and the next
    writer begins a chain whose first checkpoint names what is really there.
    """

    def __init__(self, path: Path, secret: Secret, every: int, patience: float) -> None:
        """Open the database.

        Raises:
            Failure: unavailable.
        """
        self.name = secrets.token_hex(8)
        self._path = path
        self._secret = secret
        self._every = every
        self._sequence = 0
        self._last = chain.beginning(self.name)
        self._since = every  # rows since the last checkpoint: a chain begins with one
        with store.available(path):
            self._file = store.identity(path)
            self._connection = store.writing(path, patience)

    @property
    def rows(self) -> int:
        """How many rows this chain has."""
        return self._sequence

    def write(self, events: Sequence[tuple[Event, bytes]]) -> list[Row]:
        """Append events, all or none; they are on the disk when this returns.

        A configuration that is the newest one already is not written again: its row is returned. Every
        process of a service says what it runs with.

        Raises:
            Failure: unavailable; then nothing of it may be answered.
        """
        with store.available(self._path):
            if store.identity(self._path) != self._file:
                raise store.unavailable(
                    self._path,
                    "was removed or replaced while the service ran",
                    "put it back, or start the service again to begin a new one",
                )
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                rows = [self._append(event, body) for event, body in events]
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        return rows

    def close(self) -> None:
        """End the chain with a checkpoint, unless it ends with one, and close the connection.

        Raises:
            Failure: unavailable, when the checkpoint cannot be written.
        """
        with store.available(self._path):
            try:
                if self._since:
                    self._connection.execute("BEGIN IMMEDIATE")
                    self._checkpoint()
                    self._connection.execute("COMMIT")
            finally:
                self._connection.close()

    def abandon(self) -> None:
        """Close the connection of a chain that failed."""
        self._connection.close()

    def _append(self, event: Event, body: bytes) -> Row:
        if isinstance(event, Configured):
            newest = self._configured()
            if newest is not None and newest.event.get("configuration") == event.configuration:
                return newest
        if self._since >= self._every:
            self._checkpoint()
        row = self._insert(self._next(), body)
        self._since += 1
        if isinstance(event, Answered):
            self._connection.executemany(
                "INSERT OR IGNORE INTO cards (card, row, client, patient) VALUES (?, ?, ?, ?)",
                [(card.uuid, row.row, event.client, event.patient) for card in event.cards],
            )
        elif isinstance(event, FeedbackReceived) and UNKNOWN_CARD not in event.marks:
            self._connection.execute(
                "INSERT OR IGNORE INTO feedback (card, client, outcome, claimed, row)"
                " VALUES (?, ?, ?, ?, ?)",
                (event.card, event.client, event.outcome, event.claimed, row.row),
            )
        elif isinstance(event, Configured):
            self._connection.execute("INSERT INTO configured (row) VALUES (?)", (row.row,))
        return row

    def _configured(self) -> Row | None:
        """The newest row about the configuration."""
        found = self._connection.execute(_CONFIGURED).fetchone()
        return None if found is None else row_of(found)

    def _next(self) -> int:
        (last,) = self._connection.execute("SELECT max(row) FROM rows").fetchone()
        return (last or 0) + 1

    def _checkpoint(self) -> None:
        row = self._next()
        unsigned = Checkpoint(
            time=moment(datetime.now(UTC)),
            row=row,
            writer=self.name,
            sequence=self._sequence + 1,
            previous=self._last.hex(),
            heads=chain.heads(self._connection.execute(_GROWN)),
        )
        signature = self._secret.signature(unsigned.signed_part())
        signed = msgspec.structs.replace(unsigned, signature=signature)
        self._insert(row, chain.canonical(signed), checkpoint=True)
        self._since = 0
        # In the service's own log, which is often kept elsewhere: who cuts the end of the audit log
        # has to find this too (`cds-service audit verify --anchor`).
        logger.info("audit checkpoint at row %d: %s", row, signature)

    def _insert(self, number: int, body: bytes, *, checkpoint: bool = False) -> Row:
        row = chain.linked(number, self.name, self._sequence + 1, self._last, body, self._secret.key_id)
        self._connection.execute(
            _INSERT,
            (
                row.row,
                row.writer,
                row.sequence,
                row.previous,
                row.hash,
                row.body,
                row.schema,
                row.key_id,
                checkpoint,
            ),
        )
        self._sequence, self._last = row.sequence, row.hash
        return row
