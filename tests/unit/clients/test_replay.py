"""Each token once: among threads, among processes, and after a fork."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from cds_service.audit import store
from cds_service.audit.log import AuditLog
from cds_service.audit.verification import verify
from cds_service.clients.replay import Replay
from cds_service.failures import Failure, Kind
from tests.conftest import CHECKOUT
from tests.unit.audit.decisions import answered

NOW = 1_800_000_000.0
SOON = int(NOW) + 300


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "audit.sqlite3"
    store.prepare(path)
    return path


def test_the_first_time_passes_and_the_second_does_not(database: Path) -> None:
    replay = Replay(database)
    assert replay.first("a", "1", SOON, NOW)
    assert not replay.first("a", "1", SOON, NOW)
    assert replay.first("a", "2", SOON, NOW)
    assert replay.first("b", "1", SOON, NOW), "another issuer's tokens are other tokens"


def test_issuer_and_name_are_not_run_together(database: Path) -> None:
    replay = Replay(database)
    assert replay.first("ab", "c", SOON, NOW)
    assert replay.first("a", "bc", SOON, NOW)


def test_what_has_expired_is_forgotten(database: Path) -> None:
    replay = Replay(database)
    for number in range(50):
        assert replay.first("a", str(number), SOON, NOW)
    assert not replay.first("a", "0", SOON, SOON)
    assert replay.first("a", "new", SOON + 600, SOON + 1)
    with closing(store.reading(database)) as connection:
        assert connection.execute("SELECT count(*) FROM tokens").fetchone() == (1,)


@pytest.mark.requirement(58)
def test_no_part_of_a_token_is_in_the_file(database: Path) -> None:
    replay = Replay(database)
    replay.first("https://issuer-Q7xk.example", "jti-Q7xk", SOON, NOW)
    replay.close()
    written = b"".join(one.read_bytes() for one in database.parent.iterdir())
    assert b"Q7xk" not in written


def test_of_many_threads_exactly_one_passes(database: Path) -> None:
    replay = Replay(database)
    passed: list[bool] = []
    begin = threading.Barrier(16)

    def use() -> None:
        begin.wait()
        passed.append(replay.first("a", "same", SOON, NOW))

    threads = [threading.Thread(target=use) for _ in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(passed) == [False] * 15 + [True]


PROGRAM = """
import sys
from pathlib import Path
from cds_service.clients.replay import Replay
replay = Replay(Path(sys.argv[1]), patience=30)
sys.stdin.readline()  # until all are there
passed = [number for number in range(200) if replay.first("a", str(number), {soon}, {now})]
print(*passed)
"""


@pytest.mark.requirement(55)
def test_of_several_processes_exactly_one_passes_with_each_token(database: Path) -> None:
    program = PROGRAM.format(soon=SOON, now=NOW)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(database)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    passed = []
    for one in started:
        output, _ = one.communicate(timeout=120)
        assert one.returncode == 0
        passed.append([int(number) for number in output.split()])
    together = sorted(number for found in passed for number in found)
    assert together == list(range(200)), "each token passed, and passed once"


def test_a_fork_does_not_share_a_connection(database: Path) -> None:
    replay = Replay(database)
    assert replay.first("a", "before", SOON, NOW)
    child = os.fork()
    if not child:
        again = replay.first("a", "before", SOON, NOW)
        new = replay.first("a", "child", SOON, NOW)
        os._exit(0 if new and not again else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not replay.first("a", "child", SOON, NOW)


def test_a_memory_that_cannot_be_used_lets_nobody_in(database: Path) -> None:
    replay = Replay(database, patience=0.1)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Failure) as caught:
            replay.first("a", "1", SOON, NOW)
        assert caught.value.kind is Kind.UNAVAILABLE
        other.execute("ROLLBACK")
    assert replay.first("a", "1", SOON, NOW), "and works again when it can be used"
    database.unlink()
    with pytest.raises(Failure) as caught:
        replay.first("a", "2", SOON, NOW)
    assert caught.value.kind is Kind.UNAVAILABLE


OLD = """
CREATE TABLE rows (row INTEGER PRIMARY KEY, writer TEXT NOT NULL, sequence INTEGER NOT NULL,
  previous BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL, schema INTEGER NOT NULL,
  key_id TEXT NOT NULL, checkpoint INTEGER NOT NULL, UNIQUE (writer, sequence));
CREATE INDEX checkpoints ON rows (row) WHERE checkpoint;
CREATE TABLE cards (card TEXT PRIMARY KEY, row INTEGER NOT NULL REFERENCES rows, client TEXT NOT NULL,
  patient TEXT NOT NULL);
CREATE INDEX cards_of_patient ON cards (patient);
CREATE TABLE feedback (card TEXT NOT NULL, client TEXT NOT NULL, outcome TEXT NOT NULL,
  claimed TEXT NOT NULL, row INTEGER NOT NULL REFERENCES rows,
  PRIMARY KEY (card, client, outcome, claimed));
CREATE TRIGGER rows_UPDATE_refused BEFORE UPDATE ON rows
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
PRAGMA application_id = 1212367955;
PRAGMA user_version = 1;
"""  # layout 1, as it was laid out before there were tokens


def test_a_database_of_the_first_layout_is_brought_up_with_all_it_holds(tmp_path: Path) -> None:
    database = tmp_path / "audit.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(OLD)
    (tmp_path / "audit.sqlite3.key").write_text("ab" * 32)
    (tmp_path / "audit.sqlite3.key").chmod(0o600)

    log = AuditLog(database)
    log.append(answered())
    log.close()
    assert Replay(database).first("a", "1", SOON, NOW)
    with closing(store.reading(database)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM rows").fetchone() != (0,)
    assert verify(database, (log.secret,)).problems == ()


def test_several_processes_bring_one_database_up_together(tmp_path: Path) -> None:
    database = tmp_path / "audit.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(OLD)
    program = (
        "import sys; from pathlib import Path; from cds_service.audit import store; "
        "store.prepare(Path(sys.argv[1]), patience=30)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(database)], cwd=CHECKOUT) for _ in range(3)
    ]
    assert [one.wait(timeout=60) for one in started] == [0, 0, 0]
