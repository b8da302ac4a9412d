"""A chain of rows and the checkpoints in it: what is hashed, and what is signed. Pure.

Every row carries the hash of the row before it in its chain, so that a changed, removed or moved row
breaks every row after it. There is one chain per writer. A chain could still be cut at its end,
dropped whole or computed anew from some row on: against that its first row, and from then on at least
every 64th, is a *checkpoint*, signed with the audit secret. It names its own place in the log and the
last row of every chain that has grown since the checkpoint before it, whoever wrote that one. So
whatever a checkpoint has seen cannot be taken away without taking every later checkpoint too.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from cds_service.audit.event import SCHEMA

EVERY = 64  # rows of one chain from a checkpoint to the next, at most
CHECKPOINT = "checkpoint"

_encoder = msgspec.json.Encoder(order="sorted")


class Row(msgspec.Struct, frozen=True):
    """One row as it is stored. `row` numbers all rows of the log, `sequence` those of one writer."""

    row: int
    writer: str
    sequence: int
    previous: bytes
    hash: bytes
    body: bytes
    schema: int
    key_id: str

    @property
    def event(self) -> dict[str, Any]:
        """The event that was written; `kind` says which."""
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


class Head(msgspec.Struct, frozen=True):
    """The last row of a chain."""

    writer: str
    sequence: int
    hash: str


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=CHECKPOINT):
    """A signed statement that so many rows are there and where each chain ends.

    `row` is this row's own number: as none is ever removed, the count of rows before it.
    """

    time: str
    row: int
    writer: str
    sequence: int
    previous: str
    heads: tuple[Head, ...]
    signature: str = ""

    def signed_part(self) -> bytes:
        """The bytes that the signature is over."""
        return canonical(msgspec.structs.replace(self, signature=""))


def canonical(event: Any) -> bytes:
    """One byte string per event: sorted names, no blanks. What is hashed, signed and stored."""
    return _encoder.encode(event)


def beginning(writer: str) -> bytes:
    """What stands in for the hash before a chain's first row: another one for every chain."""
    return sha256(f"audit chain {writer}".encode()).digest()


def linked(row: int, writer: str, sequence: int, previous: bytes, body: bytes, key_id: str) -> Row:
    """The row that follows `previous`."""
    made = Row(row, writer, sequence, previous, b"", body, SCHEMA, key_id)
    return msgspec.structs.replace(made, hash=digest(made))


def digest(row: Row) -> bytes:
    """The hash of a row: over the hash before it, its place and kind, and the stored bytes."""
    header = f"{row.writer}\n{row.sequence}\n{row.schema}\n{row.key_id}\n"
    return sha256(row.previous + header.encode() + row.body).digest()


def heads(ends: Iterable[tuple[str, int, bytes]]) -> tuple[Head, ...]:
    """Ends of chains as a checkpoint lists them."""
    return tuple(Head(writer, sequence, last.hex()) for writer, sequence, last in sorted(ends))
