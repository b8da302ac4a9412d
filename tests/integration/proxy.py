"""nginx with deploy/nginx.conf, as the compose file starts it, without privileges."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from tests.conformance.calls import address, request
from tests.conftest import nginx
from tests.integration.conftest import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
BODY = json.dumps(request()).encode()
JSON = {"Content-Type": "application/json"}
NOBODY = 65_534


class Proxy(msgspec.Struct, frozen=True):
    """A running nginx."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    def connection(self) -> http.client.HTTPSConnection:
        """A connection that checks the certificate, as a client does that was given it."""
        trusted = ssl.create_default_context(cafile=self.folder / "certificates" / "certificate.pem")
        return http.client.HTTPSConnection("localhost", self.port, timeout=20, context=trusted)

    def raw(self) -> ssl.SSLSocket:
        """A connection on which one sends what one likes."""
        connection = self.connection()
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        return connection.sock

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        """Make one call on a connection of its own: status, decoded body, headers."""
        connection = self.connection()
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None, answer.headers
        finally:
            connection.close()

    def good(self) -> list[Any]:
        """Make a good call; the cards it gets."""
        status, body, _ = self.call("POST", address(), BODY, JSON)
        assert status == 200, body
        cards: list[Any] = body["cards"]
        return cards

    def log(self) -> str:
        """All that nginx wrote."""
        return (self.folder / "log").read_text("utf-8")


def placed(text: str, folder: Path, port: int, upstream: int) -> str:
    """Return the configuration with other places; each stands in it as often as is said here."""
    places = {
        "server cds:8080 ": (1, f"server 127.0.0.1:{upstream} "),
        "listen 8443 ": (1, f"listen 127.0.0.1:{port} "),
        "/certificates/": (2, f"{folder}/certificates/"),
        "/tmp/": (6, f"{folder}/tmp/"),  # noqa: S108 - as the file has it
    }
    settings = "\n".join(line.split("#")[0] for line in text.splitlines())
    for place, (times, _) in places.items():
        assert settings.count(place) == times, place
    for place, (_, other) in reversed(places.items()):
        settings = settings.replace(place, other)
    return settings


Begin = Callable[[int], Proxy]


@contextmanager
def starter() -> Iterator[Begin]:
    """A starter of proxies in front of a port of this machine; whatever it started is ended."""
    started: list[Proxy] = []
    root = os.geteuid() == 0
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    program = nginx()
    assert program is not None

    def proxy(upstream: int) -> Proxy:
        folder = Path(tempfile.mkdtemp(prefix="proxy-"))
        for name in ("certificates", "secret", "tmp"):
            (folder / name).mkdir()
        owner = NOBODY if root else os.getuid()
        made = [
            CHECKOUT / "deploy" / "first_start.py",
            folder / "certificates",
            owner,
            folder / "secret",
        ]
        subprocess.run([sys.executable, *map(str, made)], check=True, capture_output=True, timeout=60)
        port = free_port()
        text = (CHECKOUT / "deploy" / "nginx.conf").read_text("utf-8")
        (folder / "nginx.conf").write_text(placed(text, folder, port, upstream))
        words = compose["services"]["proxy"]["entrypoint"]
        assert words[0] == "nginx"
        command = [program, *(str(folder / "nginx.conf") if "conf" in one else one for one in words[1:])]
        with (folder / "log").open("wb") as log:
            if root:
                for one in (folder, folder / "tmp", folder / "log"):
                    os.chown(one, NOBODY, NOBODY)
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd="/",
                user=NOBODY if root else None,
                group=NOBODY if root else None,
                extra_groups=[] if root else None,
            )
        found = Proxy(process, port, folder)
        started.append(found)
        wait_until_ready(found)
        return found

    yield proxy
    for one in started:
        one.process.terminate()
        one.process.wait(timeout=10)
        shutil.rmtree(one.folder)


def wait_until_ready(proxy: Proxy) -> None:
    until = time.monotonic() + 10
    while proxy.process.poll() is None and time.monotonic() < until:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", proxy.port), timeout=1).close()
            return
        time.sleep(0.05)
    pytest.fail(f"nginx did not start: {proxy.log()}", pytrace=False)
