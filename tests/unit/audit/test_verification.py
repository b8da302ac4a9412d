"""Every way of tampering is found, as far as the newest checkpoint reaches."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cds_service.audit import chain
from cds_service.audit.log import AuditLog
from cds_service.audit.secret import Secret
from cds_service.audit.verification import Verification, verify
from tests.unit.audit.decisions import answered

KEY = "ab" * 32
SECRET = Secret(bytes.fromhex(KEY))
FIRST, SECOND = 100, 30  # rows of two writers


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log of two writers that wrote in turn and ended well, and a third that began after."""
    database = tmp_path_factory.mktemp("audit") / "audit.sqlite3"
    one, other = AuditLog(database, key=KEY), AuditLog(database, key=KEY)
    for number in range(FIRST):
        one.append(answered(f"one-{number}"))
        if number < SECOND:
            other.append(answered(f"other-{number}"))
    one.close()
    other.close()
    third = AuditLog(database, key=KEY)
    third.append(answered("third"))
    third.close()
    return database


class Tampered:
    """A copy of the log with its guards down."""

    def __init__(self, database: Path) -> None:
        self.database = database
        with closing(sqlite3.connect(database)) as connection:
            found = "SELECT writer FROM rows GROUP BY writer ORDER BY min(row)"
            self.one, self.other, self.third = (name for (name,) in connection.execute(found))
            for table in ("rows", "cards", "feedback"):
                for what in ("update", "delete"):
                    connection.execute(f"DROP TRIGGER {table}_{what}_refused")
            connection.commit()

    def run(self, statement: str, *parameters: object) -> None:
        with closing(sqlite3.connect(self.database)) as connection:
            assert connection.execute(statement, parameters).rowcount > 0
            connection.commit()

    def query(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(statement, parameters).fetchall()

    def renumber(self) -> None:
        """Close gaps in the numbering of the log, as a careful intruder would."""
        with closing(sqlite3.connect(self.database)) as connection:
            rows = [row for (row,) in connection.execute("SELECT row FROM rows ORDER BY row")]
            for number, row in enumerate(rows, 1):
                connection.execute("UPDATE rows SET row = ? WHERE row = ?", (number, row))
            connection.commit()

    def rehash(self, writer: str) -> None:
        """Compute a chain anew, as a careful intruder would; the signatures are out of reach."""
        columns = "row, writer, sequence, previous, hash, body, schema, key_id"
        with closing(sqlite3.connect(self.database)) as connection:
            found = f"SELECT {columns} FROM rows WHERE writer = ? ORDER BY row"  # noqa: S608
            last = chain.beginning(writer)
            for sequence, values in enumerate(connection.execute(found, (writer,)).fetchall(), 1):
                old = chain.Row(*values)
                made = chain.linked(old.row, writer, sequence, last, old.body, old.key_id)
                last = made.hash
                connection.execute(
                    "UPDATE rows SET sequence = ?, previous = ?, hash = ? WHERE row = ?",
                    (-sequence, made.previous, made.hash, made.row),
                )
            connection.execute("UPDATE rows SET sequence = -sequence WHERE writer = ?", (writer,))
            connection.commit()

    def verify(self, *secrets: Secret) -> Verification:
        return verify(self.database, secrets)


@pytest.fixture
def log(intact: Path, tmp_path: Path) -> Tampered:
    return Tampered(Path(shutil.copy(intact, tmp_path)))


def test_an_untouched_log_is_whole(log: Tampered) -> None:
    found = log.verify(SECRET)
    assert found.problems == ()
    assert [(one.rows, one.broken) for one in found.chains] == [(103, None), (32, None), (3, None)]
    assert (found.rows, found.uncovered, found.signatures) == (138, 0, True)


def test_without_the_secret_it_says_that_signatures_were_not_checked(log: Tampered) -> None:
    found = log.verify()
    assert (found.whole, found.signatures) == (True, False)


def test_a_copy_in_a_folder_that_may_not_be_written_can_be_checked(log: Tampered) -> None:
    log.database.parent.chmod(0o500)
    try:
        assert log.verify(SECRET).whole
    finally:
        log.database.parent.chmod(0o700)


def change_a_byte(log: Tampered) -> None:
    ((body,),) = log.query("SELECT body FROM rows WHERE writer = ? AND sequence = 20", log.other)
    assert isinstance(body, bytes)
    changed = body.replace(b'"critical"', b'"info"', 1)
    assert changed != body
    log.run("UPDATE rows SET body = ? WHERE writer = ? AND sequence = 20", changed, log.other)


def remove_a_row(log: Tampered) -> None:
    log.run("DELETE FROM rows WHERE writer = ? AND sequence = 20", log.other)


def remove_a_row_and_renumber(log: Tampered) -> None:
    remove_a_row(log)
    log.renumber()


def swap_two_rows(log: Tampered) -> None:
    a, b = log.query(
        "SELECT row, body FROM rows WHERE writer = ? AND sequence IN (20, 21) ORDER BY row", log.other
    )
    log.run("UPDATE rows SET body = ? WHERE row = ?", b[1], a[0])
    log.run("UPDATE rows SET body = ? WHERE row = ?", a[1], b[0])


def swap_two_places(log: Tampered) -> None:
    a, b = log.query(
        "SELECT row FROM rows WHERE writer = ? AND sequence IN (20, 21) ORDER BY row", log.other
    )
    log.run("UPDATE rows SET row = -1 WHERE row = ?", a[0])
    log.run("UPDATE rows SET row = ? WHERE row = ?", a[0], b[0])
    log.run("UPDATE rows SET row = ? WHERE row = -1", b[0])


def cut_the_end(log: Tampered) -> None:
    log.run("DELETE FROM rows WHERE writer = ? AND sequence > 25", log.other)
    log.renumber()


def drop_a_chain(log: Tampered) -> None:
    log.run("DELETE FROM rows WHERE writer = ?", log.other)
    log.renumber()


def insert_a_row(log: Tampered) -> None:
    log.run(
        "INSERT INTO rows SELECT 1000, writer, 33, hash, hash, body, schema, key_id, 0 FROM rows"
        " WHERE writer = ? AND sequence = 32",
        log.other,
    )


def change_a_column(log: Tampered) -> None:
    log.run("UPDATE rows SET key_id = 'ffffffff' WHERE writer = ? AND sequence = 20", log.other)


def rename_the_writer(log: Tampered) -> None:
    log.run("UPDATE rows SET writer = 'another' WHERE writer = ?", log.other)


def put_a_text_for_a_hash(log: Tampered) -> None:
    log.run("UPDATE rows SET hash = 'text' WHERE writer = ? AND sequence = 20", log.other)


def hide_a_checkpoint(log: Tampered) -> None:
    log.run("UPDATE rows SET checkpoint = 0 WHERE writer = ? AND sequence = 1", log.other)


@pytest.mark.parametrize(
    "tamper",
    [
        change_a_byte,
        remove_a_row,
        remove_a_row_and_renumber,
        swap_two_rows,
        swap_two_places,
        cut_the_end,
        drop_a_chain,
        insert_a_row,
        change_a_column,
        rename_the_writer,
        put_a_text_for_a_hash,
        hide_a_checkpoint,
    ],
)
@pytest.mark.parametrize("secrets", [(SECRET,), ()], ids=["with-secret", "without-secret"])
def test_tampering_is_found(
    log: Tampered, tamper: Callable[[Tampered], None], secrets: tuple[Secret, ...]
) -> None:
    tamper(log)
    assert not log.verify(*secrets).whole


def test_the_first_break_is_named_and_the_other_chains_are_whole(log: Tampered) -> None:
    change_a_byte(log)
    found = log.verify(SECRET)
    (problem,) = found.problems
    assert (problem.writer, problem.sequence, problem.what) == (log.other, 20, "was changed")
    assert [one.broken is None for one in found.chains] == [True, False, True]


def test_a_gap_is_named(log: Tampered) -> None:
    remove_a_row(log)
    whats = [one.what for one in log.verify(SECRET).problems]
    assert whats[1] == "rows 20 to 20 of the chain are missing"
    assert whats[0].endswith("of the log are missing")


def test_a_chain_cut_at_its_end_is_named_by_the_checkpoint_that_saw_it(log: Tampered) -> None:
    log.run("DELETE FROM rows WHERE writer = ? AND sequence > 25", log.other)
    whats = [one.what for one in log.verify().problems if one.writer == log.other]
    assert "saw 31 rows of this chain, 25 are here" in whats[0]


def test_a_chain_that_is_gone_is_named(log: Tampered) -> None:
    log.run("DELETE FROM rows WHERE writer = ?", log.other)
    found = log.verify(SECRET)
    gone = next(one for one in found.chains if one.writer == log.other)
    assert gone.rows == 0
    assert gone.broken is not None
    assert "0 are here" in gone.broken.what


def test_a_chain_computed_anew_is_betrayed_by_its_signatures(log: Tampered) -> None:
    # Everything an intruder without the secret can do: change a row, compute every hash anew, and
    # make every checkpoint say what is now there.
    change_a_byte(log)
    for _ in range(3):
        for writer in (log.one, log.other, log.third):
            log.rehash(writer)
        _restate_checkpoints(log)
    for writer in (log.one, log.other, log.third):
        log.rehash(writer)
    found = log.verify(SECRET)
    assert not found.whole
    assert any("signature" in one.what for one in found.problems)


def _restate_checkpoints(log: Tampered) -> None:
    ends: dict[str, tuple[int, bytes]] = {}
    grown: set[str] = set()
    for row, writer, sequence, previous, last, body, checkpoint in log.query(
        "SELECT row, writer, sequence, previous, hash, body, checkpoint FROM rows ORDER BY row"
    ):
        assert isinstance(writer, str)
        assert isinstance(sequence, int)
        assert isinstance(previous, bytes)
        assert isinstance(last, bytes)
        assert isinstance(body, bytes)
        if checkpoint:
            said = json.loads(body)
            said["previous"] = previous.hex()
            said["heads"] = [
                {"writer": one, "sequence": ends[one][0], "hash": ends[one][1].hex()}
                for one in sorted(grown)
            ]
            log.run("UPDATE rows SET body = ? WHERE row = ?", chain.canonical(said), row)
            grown.clear()
        ends[writer] = (sequence, last)
        grown.add(writer)


def test_a_chain_without_checkpoints_is_found(log: Tampered) -> None:
    log.run("DELETE FROM rows WHERE checkpoint")
    log.renumber()
    for writer in (log.one, log.other, log.third):
        log.rehash(writer)
    found = log.verify()
    assert {one.what for one in found.problems} == {"has no checkpoint in the 64 rows before it"}
    assert len(found.problems) == 3


def test_a_checkpoint_of_an_unknown_key_is_found(log: Tampered) -> None:
    found = log.verify(Secret(b"another secret, 32 bytes or more"))
    assert "which was not given" in found.problems[0].what
    assert log.verify(Secret(b"another secret, 32 bytes or more"), SECRET).whole


def test_a_log_rolled_back_as_a_whole_is_betrayed_by_an_anchor_kept_elsewhere(log: Tampered) -> None:
    kept = log.verify(SECRET).anchor
    assert verify(log.database, [SECRET], anchor=kept).whole
    log.run("DELETE FROM rows WHERE row > 100")
    assert log.verify(SECRET).whole  # as far as the checkpoints reach
    found = verify(log.database, [SECRET], anchor=kept)
    assert [one.what for one in found.problems] == [
        "the checkpoint of the given anchor is not in the log"
    ]


def test_a_damaged_file_is_broken_and_says_where(log: Tampered) -> None:
    size = log.database.stat().st_size
    with log.database.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    found = log.verify(SECRET)
    assert not found.whole


def test_progress_is_told(log: Tampered) -> None:
    told: list[int] = []
    verify(log.database, progress=told.append)
    assert told == list(range(1, 139))
