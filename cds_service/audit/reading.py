"""The log, read: its newest rows, and all that is known about one card or one request."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cds_service.audit import store
from cds_service.audit.chain import Row

if TYPE_CHECKING:
    from sqlite3 import Connection

COLUMNS = "row, writer, sequence, previous, hash, body, schema, key_id, checkpoint"
_LAST = f"SELECT {COLUMNS} FROM rows WHERE NOT checkpoint ORDER BY row DESC LIMIT ?"  # noqa: S608
_NEW = f"SELECT {COLUMNS} FROM rows WHERE row > ? ORDER BY row"  # noqa: S608
# The cast is needed: to SQLite a blob is no JSON, or a JSON of its own.
_ABOUT = f"""
SELECT {COLUMNS} FROM rows
WHERE row IN (
    SELECT row FROM cards WHERE card = :it
    UNION SELECT row FROM feedback WHERE card = :it
    UNION SELECT row FROM rows
    WHERE NOT checkpoint AND CASE WHEN json_valid(CAST(body AS TEXT))
        THEN json_extract(CAST(body AS TEXT), '$.hookInstance') END = :it
)
ORDER BY row
"""  # noqa: S608
_BETWEEN_LOOKS = 0.5  # seconds


def row_of(stored: Sequence[object]) -> Row:
    """A row from its columns.

    Raises:
        ValidationError: something else stands there than a row holds.
    """
    row, writer, sequence, previous, digest, body, schema, key_id, *_ = stored
    return msgspec.convert(
        {
            "row": row,
            "writer": writer,
            "sequence": sequence,
            "previous": previous,
            "hash": digest,
            "body": body,
            "schema": schema,
            "key_id": key_id,
        },
        Row,
        builtin_types=(bytes,),
    )


def tail(path: Path, most: int, *, follow: bool = False) -> Iterator[Row]:
    """The newest events, oldest first; with `follow` also those to come, without end.

    Checkpoints are left out.

    Raises:
        Failure: unavailable.
    """
    with _readable(path) as connection:
        newest = [row_of(one) for one in connection.execute(_LAST, (most,))]
        (last,) = connection.execute("SELECT coalesce(max(row), 0) FROM rows").fetchone()
        last = max([last, *(row.row for row in newest)]) if newest else last
        yield from reversed(newest)
        while follow:
            for stored in connection.execute(_NEW, (last,)).fetchall():
                row = row_of(stored)
                last = row.row
                if not stored[-1]:
                    yield row
            time.sleep(_BETWEEN_LOOKS)


def about(path: Path, it: str) -> list[Row]:
    """Everything about one card (its uuid) or one request (its hookInstance), oldest first.

    Raises:
        Failure: unavailable.
    """
    with _readable(path) as connection:
        return [row_of(one) for one in connection.execute(_ABOUT, {"it": it})]


@contextmanager
def _readable(path: Path) -> "Iterator[Connection]":
    with store.available(path), closing(store.reading(path)) as connection:
        try:
            yield connection
        except msgspec.ValidationError as error:
            raise store.unavailable(
                path, "holds what is no row", "run: cds-service audit verify"
            ) from error
