"""Proof that the log is whole: every chain computed anew, every checkpoint held against the rows."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from cds_service.audit import chain, store
from cds_service.audit.chain import Checkpoint, Row
from cds_service.audit.reading import COLUMNS, row_of
from cds_service.audit.secret import Secret

_ALL = f"SELECT {COLUMNS} FROM rows ORDER BY row"  # noqa: S608 - our own words
_MOST_PROBLEMS = 100


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong, and where; no `writer` when it is the log as a whole."""

    row: int
    what: str
    writer: str = ""
    sequence: int = 0


class ChainFound(msgspec.Struct, frozen=True):
    """One chain: how many rows it has, and the first thing wrong with it."""

    writer: str
    rows: int
    broken: Problem | None = None


class Verification(msgspec.Struct, frozen=True):
    """What was found.

    `signatures`: whether checkpoints were checked against a secret. `uncovered`: rows after the newest
    checkpoint, which could be cut off unseen. `anchor`: the signature of that checkpoint; kept
    elsewhere, it proves later that the log was not rolled back to an earlier time.
    """

    chains: tuple[ChainFound, ...]
    rows: int
    checkpoints: int
    signatures: bool
    uncovered: int
    anchor: str
    problems: tuple[Problem, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(
    path: Path,
    secrets: Sequence[Secret] = (),
    *,
    anchor: str = "",
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Check a log, also while it is being written.

    Finds every change, removal, insertion or move of rows up to the newest checkpoint; behind it, all
    but a cut at the end of a chain.

    Args:
        path: the database.
        secrets: the secret, and earlier ones; without any, signatures are not checked, and a log that
            was computed anew from end to end is taken for whole.
        anchor: the signature of a checkpoint that must be there.
        progress: told how many rows have been read.

    Raises:
        Failure: unavailable, when the database cannot be opened.
    """
    found = _Examination({one.key_id: one for one in secrets})
    with store.available(path), closing(store.reading(path)) as connection:
        try:
            for row in connection.execute(_ALL):  # one statement: one state of a growing log
                found.row(row)
                if progress is not None:
                    progress(found.rows)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            found.problem(found.expected, "and what follows cannot be read: the file is damaged")
    if anchor and anchor not in found.signatures:
        found.problem(found.rows, "the checkpoint of the given anchor is not in the log")
    return found.result()


def count(path: Path) -> int:
    """How many rows there are, for a progress bar."""
    with store.available(path), closing(store.reading(path)) as connection:
        (rows,) = connection.execute("SELECT coalesce(max(row), 0) FROM rows").fetchone()
    return int(rows)


class _Chain:
    """A chain as far as it has been read."""

    def __init__(self, writer: str) -> None:
        self.rows = 0
        self.sequence = 0
        self.last = chain.beginning(writer)
        self.since = chain.EVERY  # rows since the last checkpoint
        self.broken: Problem | None = None


class _Examination:
    """Reads rows in their order and remembers where each chain stands."""

    def __init__(self, secrets: dict[str, Secret]) -> None:
        self._secrets = secrets
        self._chains: dict[str, _Chain] = {}
        self._grown: set[str] = set()  # since the last checkpoint
        self._problems: list[Problem] = []
        self.signatures: dict[str, int] = {}
        self.expected = 1
        self.rows = 0
        self._uncovered = 0

    def result(self) -> Verification:
        return Verification(
            chains=tuple(
                ChainFound(writer, one.rows, one.broken) for writer, one in self._chains.items()
            ),
            rows=self.rows,
            checkpoints=len(self.signatures),
            signatures=bool(self._secrets),
            uncovered=self._uncovered,
            anchor=next(reversed(self.signatures), ""),
            problems=tuple(self._problems[:_MOST_PROBLEMS]),
        )

    def problem(self, row: int, what: str, writer: str = "", sequence: int = 0) -> None:
        """Note a problem: of a chain only the first, for what follows it is its consequence."""
        noted = Problem(row, what, writer, sequence)
        if writer:
            one = self._chains.setdefault(writer, _Chain(writer))
            if one.broken is not None:
                return
            one.broken = noted
        self._problems.append(noted)

    def row(self, stored: Sequence[object]) -> None:
        self.rows += 1
        try:
            row, marked = row_of(stored), bool(stored[-1])
        except msgspec.ValidationError:
            self.problem(self.expected, "cannot be read")
            self.expected += 1
            return
        self._numbered(row)
        one = self._chains.setdefault(row.writer, _Chain(row.writer))
        for what in self._links(row, one):
            self.problem(row.row, what, row.writer, row.sequence)
        one.rows += 1
        checkpoint = _checkpoint(row)
        if marked != (checkpoint is not None):
            self.problem(row.row, "is not the kind of row it is marked as", row.writer, row.sequence)
        if checkpoint is not None:
            for what in self._stated(checkpoint, row, one):
                self.problem(row.row, what, row.writer, row.sequence)
            self._compare(checkpoint)
            one.since = 0
            self._grown.clear()
            self._uncovered = 0
            self.signatures[checkpoint.signature] = row.row
        else:
            one.since += 1
            self._uncovered += 1
            if one.since > chain.EVERY:
                what = f"has no checkpoint in the {chain.EVERY} rows before it"
                self.problem(row.row, what, row.writer, row.sequence)
        one.sequence, one.last = row.sequence, row.hash
        self._grown.add(row.writer)

    def _numbered(self, row: Row) -> None:
        if row.row != self.expected:
            gap = f"{self.expected} to {row.row - 1}"
            self.problem(self.expected, f"rows {gap} of the log are missing")
        self.expected = row.row + 1

    def _links(self, row: Row, one: _Chain) -> Iterator[str]:
        if row.sequence != one.sequence + 1:
            if row.sequence > one.sequence:
                yield f"rows {one.sequence + 1} to {row.sequence - 1} of the chain are missing"
            yield "is out of order"
        elif row.previous != one.last:
            yield "does not follow the row before it"
        if chain.digest(row) != row.hash:
            yield "was changed"

    def _stated(self, said: Checkpoint, row: Row, one: _Chain) -> Iterator[str]:
        if (said.row, said.writer, said.sequence) != (row.row, row.writer, row.sequence):
            yield f"is a checkpoint made for row {said.row}, {said.sequence} of {said.writer}"
        if said.previous != one.last.hex():
            yield "is a checkpoint made after another row than the one before it"
        if not self._secrets:
            return
        secret = self._secrets.get(row.key_id)
        if secret is None:
            yield f"is signed with the key {row.key_id}, which was not given"
        elif not secret.signed(said.signed_part(), said.signature):
            yield "has a signature that is not of this key"

    def _compare(self, said: Checkpoint) -> None:
        """Every chain that has grown must be where the checkpoint saw it, and none may be left out."""
        place = f"the checkpoint at row {said.row}"
        for head in said.heads:
            one = self._chains.get(head.writer)
            here = one.sequence if one else 0
            if one is None or here != head.sequence:
                what = f"{place} saw {head.sequence} rows of this chain, {here} are here"
                self.problem(said.row, what, head.writer, here)
            elif one.last.hex() != head.hash:
                self.problem(said.row, f"{place} saw another last row", head.writer, here)
        for writer in sorted(self._grown - {head.writer for head in said.heads}):
            self.problem(said.row, f"{place} does not know its newest rows", writer)


def _checkpoint(row: Row) -> Checkpoint | None:
    try:
        return msgspec.json.decode(row.body, type=Checkpoint)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
