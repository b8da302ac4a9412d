"""The real service with a client whose FHIR servers it may ask, on a loopback port."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import requests

from cds_service import settings
from cds_service.app import create_app
from cds_service.cli.serve import Server
from cds_service.clients.model import Clients, FhirServer
from tests.browser.serving import CHECKOUT, free_port

STARTS_WITHIN = 120.0  # seconds; it takes a few, and more where two cores are shared
_SERVERS = "TEST_FHIR_SERVERS"


class Fetching(msgspec.Struct, frozen=True):
    """A running service: the address of its discovery, its audit database, and what it prints."""

    discovery: str
    audit: Path
    output: Path

    def log(self) -> str:
        """Return everything it has printed."""
        return self.output.read_text("utf-8", errors="replace")


def loopback(base: str) -> FhirServer:
    """Return the entry of a client for a server of these tests."""
    return FhirServer(base, plain_http=True, private=True)


@contextmanager
def running(folder: Path, servers: Sequence[FhirServer], **environment: str) -> Iterator[Fetching]:
    """Run the service as `serve --demo` does, its callers a client that has these FHIR servers."""
    port = free_port()
    base = f"http://127.0.0.1:{port}/cds-services"
    started = Fetching(base, folder / "audit.sqlite3", folder / "output.txt")
    given: dict[str, Any] = {
        "CDS_AUDIT_DB": str(started.audit),
        "CDS_DEMO": "1",
        "CDS_WORKERS": "1",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        _SERVERS: json.dumps([msgspec.to_builtins(one) for one in servers]),
    }
    with started.output.open("w+b") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.ehr_client.serving"],
            cwd=CHECKOUT,
            env={**os.environ, **given, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            assert _answers(process, base), f"the service did not start:\n{started.log()}"
            yield started
        finally:
            process.terminate()
            try:
                process.wait(timeout=25)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(process: subprocess.Popen[bytes], base: str) -> bool:
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            if requests.get(base, timeout=2).ok:
                return True
        except requests.ConnectionError:
            time.sleep(0.1)
    return False


def main() -> None:
    """Serve, in a process of its own."""
    config = settings.read(os.environ)
    app = create_app(config)
    runtime = app.extensions["cds"]
    servers = msgspec.json.decode(os.environ[_SERVERS], type=tuple[FhirServer, ...])
    anonymous = msgspec.structs.replace(runtime.clients.anonymous, fhir_servers=servers)
    runtime.clients = Clients({}, anonymous)
    Server(app, config).run()


if __name__ == "__main__":
    main()
