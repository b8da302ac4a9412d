"""Told to stop, the service finishes what it has accepted, and the audit log ends in good order."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cds_service.audit import reading
from tests.conformance.calls import address, bundle, potassium, request
from tests.integration.conftest import CHECKOUT, Server, Start

LARGE = json.dumps(
    request(prefetch={"laboratory": bundle(*[potassium(number=number) for number in range(4000)])})
)
GET = "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Calls:
    """Calls that are made at the same time, and what became of each."""

    def __init__(self, server: Server, number: int, body: str) -> None:
        self.answers: list[int] = []
        self.failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._call, args=(server, body)) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def _call(self, server: Server, body: str) -> None:
        try:
            self.answers.append(server.call("POST", address(), body)[0])
        except OSError as error:
            self.failures.append(error)

    def finished(self) -> list[int]:
        for thread in self._threads:
            thread.join(timeout=60)
        assert not self.failures
        return self.answers


def database(server: Server) -> Path:
    return server.log.parent / "audit.sqlite3"


def answered(server: Server) -> int:
    rows = reading.tail(database(server), 10_000, follow=False)
    return sum(row.event["kind"] == "answered" for row in rows)


def verified(server: Server) -> str:
    command = [sys.executable, "-m", "cds_service", "audit", "verify", "--db", str(database(server))]
    return subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def workers(server: Server) -> set[int]:
    pid = server.process.pid
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def both(server: Server) -> set[int]:
    """Wait until there are two processes."""
    until = time.monotonic() + 20
    while len(found := workers(server)) != 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def line(connection: socket.socket) -> tuple[bytes, Any]:
    """Read one whole answer: its first line, and its body."""
    received = b""
    while not received.endswith(b"}"):
        piece = connection.recv(65_536)
        assert piece, received
        received += piece
    return received.partition(b"\r\n")[0], json.loads(received.partition(b"\r\n\r\n")[2])


@pytest.mark.server
def test_calls_that_are_at_work_are_answered_and_written_down(start: Start) -> None:
    server = start()
    calls = Calls(server, 8, LARGE)
    time.sleep(0.3)
    assert len(calls.answers) < 8  # some are at work
    server.process.send_signal(signal.SIGTERM)
    assert calls.finished() == [200] * 8
    assert server.process.wait(timeout=30) == 0
    assert answered(server) == 8
    assert "whole" in verified(server)
    with pytest.raises(ConnectionRefusedError):
        server.connect()


@pytest.mark.server
def test_who_is_still_sending_is_answered_and_who_comes_now_is_refused(start: Start) -> None:
    server = start("--workers", "1")
    body = json.dumps(request()).encode()
    head = f"POST {address()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with server.connect() as kept, server.connect() as sending:
        kept.sendall(GET.format("/readyz").encode())
        assert line(kept)[1]["status"] == "ready"
        sending.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:100])
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        kept.sendall(GET.format("/readyz").encode())
        status, said = line(kept)
        assert status.startswith(b"HTTP/1.1 503")
        assert said == {"status": "stopping"}
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        sending.sendall(body[100:])
        assert line(sending)[0].startswith(b"HTTP/1.1 200")
    assert server.process.wait(timeout=20) == 0
    assert answered(server) == 1


@pytest.mark.server
def test_one_process_that_is_told_to_stop_takes_no_call_with_it(start: Start) -> None:
    server = start()
    before = both(server)
    calls = Calls(server, 8, LARGE)
    time.sleep(0.2)
    os.kill(min(before), signal.SIGTERM)
    until = time.monotonic() + 30
    while min(before) in workers(server) and time.monotonic() < until:
        assert server.good()
    assert calls.finished() == [200] * 8
    assert len(both(server) - before) == 1  # another has taken its place
    assert server.good()
    assert "whole" in verified(server)
