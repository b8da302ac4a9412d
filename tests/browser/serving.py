"""The real service on a loopback port, for tests and for the pictures in the documentation."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

CHECKOUT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 120.0  # seconds; it takes a few, and more where two cores are shared


class Service(NamedTuple):
    """A running service: its address, and its audit database."""

    base: str
    audit: Path


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Service]:
    """Run the service as `make run` does, with an audit log of its own and further settings."""
    port = free_port()
    started = Service(f"http://127.0.0.1:{port}/", folder / "audit.sqlite3")
    command = [sys.executable, "-m", "cds_service", "serve", "--demo", "--port", str(port)]
    with (folder / "output.txt").open("w+b") as output:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={
                **os.environ,
                "HOST": "127.0.0.1",
                "CDS_AUDIT_DB": str(started.audit),
                **environment,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _answers(process, started.base):
                output.seek(0)
                raise AssertionError(f"the service did not start:\n{output.read().decode()}")
            yield started
        finally:
            process.terminate()
            try:
                process.wait(timeout=25)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], base: str) -> bool:
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            if requests.get(f"{base}cds-services", timeout=2).status_code == requests.codes.ok:
                return True
        except requests.ConnectionError:
            time.sleep(0.1)
    return False
