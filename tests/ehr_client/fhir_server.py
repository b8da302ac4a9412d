"""sekmet, a FHIR R4 server that others wrote (PyPI `sekmet-fhir`), with a new database on loopback."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.browser.serving import free_port

STARTS_WITHIN = 40.0  # seconds; it takes about three


def command() -> str | None:
    """Return the program: beside the Python that runs the tests, else on PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("sekmet", path=beside) or shutil.which("sekmet")


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run the server; its base address."""
    program = command()
    assert program, "sekmet is not installed"
    port = free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    settings = {
        "base_url": base,
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(folder / "data"),
        "own_private_key_path": str(folder / "key"),
        "log_inbound": False,
        "simulator": {"enabled": False},  # else it answers orders by itself
    }
    chosen = folder / "settings.yaml"
    chosen.write_text(json.dumps(settings), "utf-8")  # JSON is YAML
    with (folder / "output.txt").open("w+b") as output:
        process = subprocess.Popen(
            [program, "serve", "--config", str(chosen)],
            cwd=folder,
            env={**os.environ, "NO_PROXY": "*"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _answers(process, base):
                output.seek(0)
                raise AssertionError(f"sekmet did not start:\n{output.read().decode()}")
            yield base
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(process: subprocess.Popen[bytes], base: str) -> bool:
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            if requests.get(f"{base}/metadata", timeout=5).ok:
                return True
        except requests.ConnectionError:
            time.sleep(0.1)
    return False
