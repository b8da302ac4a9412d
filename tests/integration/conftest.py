"""The service as `cds-service serve --demo` starts it, on a loopback port, once per session."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conformance.calls import address, request

CHECKOUT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60.0  # seconds; it takes two, and many times that where all cores are busy


class Server(msgspec.Struct, frozen=True):
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def connect(self) -> socket.socket:
        """Open a connection of one's own, to send on it what one likes."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Make one call on a connection of its own; the status and the decoded body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None
        finally:
            connection.close()

    def good(self) -> list[Any]:
        """Make a good call; the cards it gets."""
        status, body = self.call("POST", address(), json.dumps(request()))
        assert status == 200, body
        cards: list[Any] = body["cards"]
        return cards


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


Start = Callable[..., Server]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a starter of services; whatever it started is ended with the session."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(
        *arguments: str, ready: bool = True, port: int = 0, demo: bool = True, **environment: str
    ) -> Server:
        folder = tmp_path_factory.mktemp("server")
        port = port or free_port()
        log = folder / "stderr"
        with log.open("wb") as stderr, (folder / "stdout").open("wb") as stdout:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "cds_service",
                    "serve",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(port),
                    *(["--demo"] if demo else []),
                    *arguments,
                ],
                cwd=CHECKOUT,
                env=os.environ
                | {"CDS_AUDIT_DB": str(folder / "audit.sqlite3"), "CDS_RATE": ""}
                | environment,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        started.append(process)
        server = Server(process, port, log)
        if ready:
            wait_until_ready(server)
        return server

    yield begin
    for process in started:
        end(process)


def wait_until_ready(server: Server) -> None:
    """Wait for discovery to answer."""
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        try:
            if server.call("GET", "/cds-services")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the service did not start: {server.log.read_text('utf-8')}", pytrace=False)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group that was started, by its id."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=5)


@pytest.fixture(scope="session")
def server(start: Start) -> Server:
    """Return the service that most tests share."""
    return start()
