"""The clients file of a running service, read again on SIGHUP; one memory of tokens for all."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cds_service.audit import reading, store
from tests.conformance.calls import address, request
from tests.integration.conftest import Server, Start, free_port
from tests.unit.clients.signing import Signer, jwk_set, signer, written

pytestmark = pytest.mark.server
OURS = signer()
BODY = json.dumps(request())
RULE = "k-01-low-potassium"


class Guarded:
    """A service that demands tokens, its clients file, and how it is called."""

    def __init__(self, start: Start, folder: Path, workers: int = 2) -> None:
        self.folder = folder
        self.file = written(folder, OURS)
        self.database = folder / "audit.sqlite3"
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.server: Server = start(
            *("--workers", str(workers)),
            demo=False,
            port=port,
            CDS_AUTH="required",
            CDS_CLIENTS=str(self.file),
            CDS_AUDIT_DB=str(self.database),
            CDS_ALLOW_NOW="1",
        )
        until(lambda: len(self.workers()) == workers)  # it answers before all have begun

    def write(self, **more: Any) -> None:
        """Write the clients file anew, with something at its top."""
        written(self.folder, OURS)
        whole = json.loads(self.file.read_text("utf-8"))
        self.file.write_text(json.dumps({**whole, **more}, indent=1), "utf-8")

    def hang_up(self) -> None:
        self.server.process.send_signal(signal.SIGHUP)

    def token(self, by: Signer = OURS) -> str:
        return by.token(aud=f"{self.base}{address()}")

    def call(self, token: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self.server.call("POST", address(), BODY, headers)

    def cards(self) -> int:
        status, body = self.call(self.token())
        assert status == 200, body
        return len(body["cards"])

    def log(self) -> str:
        return self.server.log.read_text("utf-8")

    def workers(self) -> set[int]:
        """Return the processes that answer, by their ids."""
        pid = self.server.process.pid
        return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def events(self, kind: str) -> list[Any]:
        with closing(store.reading(self.database)) as connection:
            statement = f"SELECT {reading.COLUMNS} FROM rows WHERE NOT checkpoint"  # noqa: S608
            rows = [reading.row_of(one).event for one in connection.execute(statement)]
        return [one for one in rows if one["kind"] == kind]


def until(true: Callable[[], bool], seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


@contextmanager
def calls_meanwhile(guarded: Guarded) -> Iterator[Counter[str]]:
    """Call without a pause, each time on a connection of its own, and count what comes."""
    found: Counter[str] = Counter()
    stopped = threading.Event()

    def go_on() -> None:
        while not stopped.is_set():
            try:
                found[str(guarded.call(guarded.token())[0])] += 1
            except OSError as error:
                found[type(error).__name__] += 1

    threads = [threading.Thread(target=go_on) for _ in range(4)]
    for one in threads:
        one.start()
    try:
        yield found
    finally:
        stopped.set()
        for one in threads:
            one.join(timeout=20)


def test_sighup_puts_a_new_file_in_force_and_no_call_is_lost(start: Start, tmp_path: Path) -> None:
    guarded = Guarded(start, tmp_path)
    shown = guarded.cards()
    assert shown > 0
    before = guarded.workers()
    with calls_meanwhile(guarded) as found:
        until(lambda: found["200"] > 20)
        guarded.write(off={"rules": [RULE]})
        guarded.hang_up()
        until(lambda: not guarded.workers() & before and len(guarded.workers()) == 2)
        now = found["200"]
        until(lambda: found["200"] > now + 20)
    assert set(found) == {"200"}, found
    assert guarded.cards() < shown, "the kill switch works"
    assert "clients file in force: 1 client" in guarded.log()
    first, second = guarded.events("configured")
    assert RULE not in first.get("off", ())
    assert RULE in second["off"]

    guarded.write()
    guarded.hang_up()
    until(lambda: len(guarded.events("configured")) == 3)
    until(lambda: guarded.cards() == shown)


def test_a_broken_file_is_told_and_the_old_one_stays(start: Start, tmp_path: Path) -> None:
    guarded = Guarded(start, tmp_path)
    before = guarded.workers()
    guarded.write(off={"rules": ["k-99"]}, more={})
    guarded.hang_up()
    until(lambda: "what was in force stays in force" in guarded.log())
    assert "more: there is no such key" in guarded.log()
    guarded.write(off={"rules": ["k-99", "k-98"]})
    guarded.hang_up()
    until(lambda: "the clients file has 2 problems" in guarded.log())
    assert "no rule 'k-99'" in guarded.log()
    assert "no rule 'k-98'" in guarded.log()
    guarded.file.unlink()
    guarded.hang_up()
    until(lambda: "cannot be read" in guarded.log())
    time.sleep(1)
    assert guarded.workers() == before, "and nobody was disturbed"
    assert guarded.cards() > 0
    assert len(guarded.events("configured")) == 1


def test_a_key_that_is_rotated_counts_after_sighup(start: Start, tmp_path: Path) -> None:
    guarded = Guarded(start, tmp_path, workers=1)
    new = signer("ES384", "rotated")
    assert guarded.call(guarded.token(new))[0] == 401
    (tmp_path / "keys.json").write_bytes(jwk_set(new))
    guarded.hang_up()
    until(lambda: guarded.call(guarded.token(new))[0] == 200)
    until(lambda: guarded.call(guarded.token())[0] == 401)


@pytest.mark.requirement(55)
def test_of_calls_with_one_token_at_once_exactly_one_is_answered(start: Start, tmp_path: Path) -> None:
    guarded = Guarded(start, tmp_path, workers=4)
    for _ in range(10):
        token = guarded.token()
        begin = threading.Barrier(8)
        found: list[int] = []

        def use(token: str = token, begin: Any = begin, found: list[int] = found) -> None:
            begin.wait()
            found.append(guarded.call(token)[0])

        threads = [threading.Thread(target=use) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(timeout=30)
        assert sorted(found) == [200] + [401] * 7
    answered = guarded.events("answered")
    assert len(answered) == 10
    assert guarded.events("refused") == [], "and what was not let in is not in the audit"


@pytest.mark.requirement(58)
def test_no_token_is_in_the_log_or_in_any_file(start: Start, tmp_path: Path) -> None:
    guarded = Guarded(start, tmp_path, workers=1)
    good, bad = guarded.token(), OURS.token(aud="https://other.example", jti="jti-Q7xk")
    assert guarded.call(good)[0] == 200
    assert guarded.call(good)[0] == 401
    assert guarded.call(bad)[0] == 401
    log = guarded.log()
    assert "401, replayed (client st-elsewhere)" in log
    assert "401, audience (client st-elsewhere)" in log
    files = b"".join(one.read_bytes() for one in tmp_path.iterdir() if "sqlite" in one.name)
    for piece in (*good.split("."), *bad.split("."), "Q7xk"):
        assert piece not in log
        assert piece.encode() not in files
