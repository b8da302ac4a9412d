"""Every answer that left is in the log, though every process of the service is killed meanwhile."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from cds_service import content
from cds_service.audit import reading, secret, store
from cds_service.audit.verification import verify
from cds_service.cases import fixtures
from cds_service.hooks.service import Service
from cds_service.rulebase import loader

CHECKOUT = Path(__file__).resolve().parents[2]
THREADS = 8
ENOUGH = 300  # answers before the kill: several checkpoints in every chain
PATIENCE = 60  # seconds


class Running:
    """The service, as `make run` starts it, in a process group of its own."""

    def __init__(self, database: Path, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.output = database.with_suffix(".log")
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        address = ("--host", "127.0.0.1", "--port", str(port))
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cds_service", "serve", "--demo", *address],
                cwd=CHECKOUT,
                env={**kept, "CDS_AUDIT_DB": str(database), "CDS_WORKERS": "2"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if requests.get(f"{self.base}/cds-services", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.1)
        self.end(signal.SIGKILL)
        pytest.fail(f"the service did not start:\n{self.output.read_text(encoding='utf-8')}")

    def end(self, how: signal.Signals) -> None:
        """Signal every process of the group (SIGKILL), or ask the first one to end (else)."""
        if self.process.poll() is None:
            if how is signal.SIGKILL:
                os.killpg(self.process.pid, how)
            else:
                self.process.send_signal(how)
        self.process.wait(timeout=PATIENCE)


@contextmanager
def running(database: Path, port: int) -> Iterator[Running]:
    service = Running(database, port)
    try:
        yield service
    finally:
        service.end(signal.SIGKILL)


class Load:
    """Threads that call the service until they are stopped, and remember what was answered."""

    def __init__(self, base: str, service: Service, bodies: list[dict[str, object]]) -> None:
        self._url = f"{base}/cds-services/{service.id}"
        self._bodies = bodies
        self._stopped = threading.Event()
        self.answered: list[str] = []
        self.refused: list[str] = []
        self.asked: list[str] = []
        self._threads = [threading.Thread(target=self._call) for _ in range(THREADS)]
        for one in self._threads:
            one.start()

    def _call(self) -> None:
        with requests.Session() as session:
            while not self._stopped.is_set():
                instance = str(uuid4())
                body = {**self._bodies[len(self.asked) % len(self._bodies)], "hookInstance": instance}
                self.asked.append(instance)
                try:
                    response = session.post(self._url, json=body, timeout=10)
                except requests.RequestException:
                    continue  # killed before it could answer: no promise was made
                if response.status_code == 200:
                    self.answered.append(instance)
                else:
                    self.refused.append(f"{response.status_code} {response.text[:200]}")

    def await_answers(self, enough: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while len(self.answered) < enough and time.monotonic() < deadline:
            time.sleep(0.001)
        assert len(self.answered) >= enough, self.refused[:3]

    def stop(self) -> None:
        self._stopped.set()
        for one in self._threads:
            one.join(timeout=PATIENCE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def logged(database: Path) -> list[str]:
    """Every hookInstance in the log, as often as it is there."""
    with closing(store.reading(database)) as connection:
        statement = f"SELECT {reading.COLUMNS} FROM rows WHERE NOT checkpoint"  # noqa: S608
        rows = [reading.row_of(one) for one in connection.execute(statement)]
    return [row.event["hookInstance"] for row in rows if row.event["kind"] == "answered"]


@pytest.mark.server
def test_every_answer_is_in_a_whole_log_after_a_kill(tmp_path: Path) -> None:
    database = tmp_path / "audit.sqlite3"
    port = free_port()
    rule_base = loader.load(content.texts(content.folder("cards")))
    (service, *_) = rule_base.services_for("patient-view")
    folder = content.folder("fhir_fixtures")
    bodies = [
        json.loads(fixtures.encoded(fixtures.hook_request(fixtures.load(folder, name), service)))
        for name in fixtures.names(folder)
        if name != "messy"
    ]

    with running(database, port) as first:
        load = Load(first.base, service, bodies)
        try:
            load.await_answers(ENOUGH)
            os.killpg(first.process.pid, signal.SIGKILL)  # in the middle of the load
        finally:
            load.stop()
    before = list(load.answered)
    assert len(load.asked) > len(before), "nothing was under way when the service was killed"

    killed = verify(database, [_secret(database)])
    assert killed.problems == ()
    assert set(before) <= set(logged(database))

    with running(database, port) as second:
        load = Load(second.base, service, bodies)
        load.await_answers(50)
        load.stop()
        second.end(signal.SIGTERM)
    assert load.refused == []

    found = verify(database, [_secret(database)], anchor=killed.anchor)
    assert found.problems == ()
    assert len(found.chains) > len(killed.chains)
    instances = logged(database)
    assert len(instances) == len(set(instances))
    assert {*before, *load.answered} <= set(instances)
    assert found.uncovered == 0, "ended in good order, every chain ends with a checkpoint"


def _secret(database: Path) -> secret.Secret:
    found = secret.read(secret.file_of(database))
    assert found is not None
    return found
