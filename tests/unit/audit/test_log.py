"""What is appended is on the disk, in whole chains, whoever else is writing."""

import errno
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from cds_service.audit import store
from cds_service.audit.log import AuditLog, RowId
from cds_service.audit.verification import verify
from cds_service.failures import Failure, Kind
from tests.unit.audit.decisions import CALL, answered, feedback

CHECKOUT = Path(__file__).resolve().parents[3]
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "var" / "audit.sqlite3"


def bodies(database: Path) -> list[bytes]:
    with closing(store.reading(database)) as connection:
        found = connection.execute("SELECT body FROM rows WHERE NOT checkpoint ORDER BY row")
        return [body for (body,) in found]


def test_a_row_is_there_for_everyone_when_append_returns(database: Path) -> None:
    log = AuditLog(database)
    place = log.append(answered(CALL))
    assert (place.row, place.sequence) == (2, 2)  # the first is a checkpoint
    assert [CALL.encode() in body for body in bodies(database)] == [True]
    log.close()


def test_a_commit_waits_for_the_disk(database: Path) -> None:
    AuditLog(database)
    with closing(store.writing(database)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_files_are_private(database: Path) -> None:
    log = AuditLog(database)
    log.append(answered())
    modes = {file.name: file.stat().st_mode & 0o777 for file in database.parent.iterdir()}
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}
    assert database.parent.stat().st_mode & 0o777 == 0o700
    log.close()


def test_a_chain_ends_and_begins_with_a_checkpoint(database: Path) -> None:
    for _ in range(2):
        log = AuditLog(database)
        log.append(answered())
        log.close()
        log.close()
    found = verify(database, [log.secret])
    assert found.whole
    assert [one.rows for one in found.chains] == [3, 3]
    assert (found.checkpoints, found.uncovered) == (4, 0)


def test_at_least_every_64th_row_is_a_checkpoint(database: Path) -> None:
    log = AuditLog(database)
    log.append_all([answered()] * 200)
    found = verify(database, [log.secret])
    assert (found.rows, found.checkpoints, found.whole) == (204, 4, True)
    log.close()


# Four writers in a tight loop on a slow disk wait longer for each other than calls ever should.
LONG = 60.0


DURING = "0d0d0d0d-0000-4000-8000-00000000000d"


def write_200(database: Path, done: "multiprocessing.Queue[str]", log: AuditLog | None) -> None:
    log = log or AuditLog(database, patience=LONG)
    for number in range(200):
        log.append(answered(str(UUID(int=(os.getpid() << 64) + number))))
    done.put(str(os.getpid()))
    done.close()
    done.join_thread()
    os._exit(0)  # without closing: as if killed between two rows


@pytest.mark.parametrize("inherited", [False, True], ids=["own-log", "inherited-log"])
def test_four_processes_leave_four_whole_chains(database: Path, inherited: bool) -> None:
    log = AuditLog(database, patience=LONG)
    if inherited:
        log.append(answered(CALL))  # the children must not go on with this chain
    done: multiprocessing.Queue[str] = FORK.Queue()
    processes = [
        FORK.Process(target=write_200, args=(database, done, log if inherited else None))
        for _ in range(4)
    ]
    for one in processes:
        one.start()
    while any(one.is_alive() for one in processes) and done.empty():
        assert verify(database, [log.secret]).whole  # also while it is being written
    finished = {done.get(timeout=60) for _ in processes}
    for one in processes:
        one.join(timeout=60)
    log.append(answered(CALL))
    found = verify(database, [log.secret])
    assert found.problems == ()
    assert sorted(one.rows for one in found.chains)[-4:] == [204] * 4  # 4 checkpoints among them
    assert len(found.chains) == 5
    for process in finished:
        said = [
            body for body in bodies(database) if str(UUID(int=int(process) << 64))[:18].encode() in body
        ]
        assert len(said) == 200
    log.close()


def test_threads_share_one_chain_and_all_their_rows_are_there(database: Path) -> None:
    log = AuditLog(database)
    places: list[RowId] = []

    def work(name: int) -> None:
        places.extend(log.append(answered(f"t{name}-{number}")) for number in range(50))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({one.row for one in places}) == 400
    written = bodies(database)
    with closing(store.reading(database)) as connection:
        for place in places:
            assert connection.execute(
                "SELECT count(*) FROM rows WHERE row = ? AND sequence = ?", (place.row, place.sequence)
            ).fetchone() == (1,)
    assert len(written) == 400
    found = verify(database, [log.secret])
    assert (found.whole, len(found.chains)) == (True, 1)
    log.close()


def test_a_log_held_by_another_program_is_unavailable_soon(database: Path) -> None:
    log = AuditLog(database, patience=0.1)
    log.append(answered())
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Failure, match="locked by another program") as caught:
            log.append(answered(DURING))
        assert caught.value.kind is Kind.UNAVAILABLE
        assert caught.value.todo
        other.execute("ROLLBACK")
    log.append(answered())
    log.close()
    assert verify(database, [log.secret]).whole
    assert [DURING.encode() in body for body in bodies(database)] == [False, False]


def test_all_who_wait_for_a_locked_log_are_told_soon(database: Path) -> None:
    log = AuditLog(database, patience=0.2)
    told: list[Kind] = []

    def work() -> None:
        with pytest.raises(Failure) as caught:
            log.append(answered())
        told.append(caught.value.kind)

    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        threads = [threading.Thread(target=work) for _ in range(16)]
        begun = time.monotonic()
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        waited = time.monotonic() - begun
        other.execute("ROLLBACK")
    assert told == [Kind.UNAVAILABLE] * 16
    assert waited < 16 * 0.2, "each waited for all before it"
    log.append(answered())
    log.close()
    assert verify(database, [log.secret]).whole


def test_a_process_that_ends_in_good_order_ends_its_chain(database: Path) -> None:
    program = """
import sys
from pathlib import Path
from cds_service.audit.log import AuditLog
from tests.unit.audit.decisions import answered
log = AuditLog(Path(sys.argv[1]))
log.append(answered())
sys.exit(0)
"""
    subprocess.run([sys.executable, "-c", program, str(database)], check=True, cwd=CHECKOUT, timeout=60)
    found = verify(database)
    assert (found.rows, found.checkpoints, found.uncovered) == (3, 2, 0)


def test_a_full_disk_is_unavailable_and_leaves_a_whole_log(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AuditLog(database)
    log.append(answered())
    log.close()
    usual = store.writing

    def cramped(path: Path, patience: float) -> sqlite3.Connection:
        connection = usual(path, patience)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        return connection

    with monkeypatch.context() as cramping:
        cramping.setattr(store, "writing", cramped)
        with pytest.raises(Failure, match="no room left") as caught:
            log.append_all([answered(DURING)] * 50)
        assert caught.value.kind is Kind.UNAVAILABLE
    log.append(answered())
    log.close()
    found = verify(database, [log.secret])
    assert found.whole
    assert [DURING.encode() in body for body in bodies(database)] == [False, False]


def test_a_failing_disk_is_unavailable(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(database)

    def fails(path: Path) -> tuple[int, int]:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(store, "identity", fails)
    with pytest.raises(Failure, match="Input/output error") as caught:
        log.append(answered())
    assert caught.value.kind is Kind.UNAVAILABLE


def test_a_log_that_was_removed_under_the_service_is_unavailable(database: Path) -> None:
    log = AuditLog(database)
    log.append(answered())
    database.rename(database.with_suffix(".moved"))
    with pytest.raises(Failure) as caught:
        log.append(answered())
    assert caught.value.kind is Kind.UNAVAILABLE
    AuditLog(database, key="ab" * 32)  # another one in its place is not silently taken instead
    database.with_suffix(".moved").rename(database)
    log.append(answered())
    log.close()


def test_a_database_of_another_program_is_refused(database: Path) -> None:
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE theirs (one)")
    with pytest.raises(Failure, match="another program's database"):
        AuditLog(database, key="ab" * 32)


def test_a_file_that_is_no_database_is_refused(database: Path) -> None:
    database.parent.mkdir()
    database.write_bytes(b"not a database" * 100)
    with pytest.raises(Failure, match="no SQLite database") as caught:
        AuditLog(database, key="ab" * 32)
    assert caught.value.kind is Kind.UNAVAILABLE


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(Failure) as caught:
        AuditLog(tmp_path / "file" / "audit.sqlite3")
    assert caught.value.kind is Kind.UNAVAILABLE


def test_rows_cannot_be_changed_by_a_slip_of_the_hand(database: Path) -> None:
    log = AuditLog(database)
    log.append_all([answered(), feedback()])
    with closing(sqlite3.connect(database)) as connection:
        for table in ("rows", "cards", "feedback"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608
    log.close()


def test_the_same_feedback_twice_is_one_feedback_and_two_calls(database: Path) -> None:
    log = AuditLog(database)
    log.append(answered())
    for _ in range(3):
        log.append(feedback())
    log.append(feedback(claimed="2026-11-22T08:59:30Z"))
    assert log.select("SELECT count(*) FROM feedback") == [(2,)]
    assert sum(b'"feedback"' in body for body in bodies(database)) == 4
    log.close()
