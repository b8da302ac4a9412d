"""HAPI FHIR, by others, as this folder's Maven project starts it: the server and the validator."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from tests.browser.serving import free_port

SCRIPT = Path(__file__).with_name("hapi.sh")
BUILT_WITHIN = 200.0  # seconds; with an empty ~/.m2 it took some 80, and 10 when all was there
STARTS_WITHIN = 120.0  # seconds; it takes about 20 on two idle cores
READY = re.compile(
    r"ready: (?P<base>\S+) \((?P<version>HAPI FHIR \S+), .*\) after (?P<seconds>[\d.]+) s"
)


class Running(msgspec.Struct, frozen=True):
    """A running server: its base address, its version, and how many seconds it took to start."""

    base: str
    version: str
    seconds: float


class Issue(msgspec.Struct, frozen=True):
    """What the validator says of a resource: severity as FHIR has it, the rule's id, place, words."""

    severity: str
    rule: str
    location: str
    message: str


@cache
def absence() -> str | None:
    """Say why there is no HAPI here, by building it; None when it is there."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return "one server does not serve several workers; `make test-hapi` runs these tests without"
    missing = [program for program in ("java", "javac", "mvn") if not shutil.which(program)]
    if missing:
        return f"no {', no '.join(missing)} on PATH (Debian: apt install openjdk-17-jdk-headless maven)"
    try:
        built = subprocess.run(
            [str(SCRIPT), "build"],
            capture_output=True,
            text=True,
            timeout=BUILT_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"was not built within {BUILT_WITHIN:.0f} s: is Maven Central slow or out of reach?"
    if not built.returncode:
        return None
    return f"could not be built: {built.stderr.strip() or 'no reason given'}"


@contextmanager
def server(folder: Path) -> Iterator[Running]:
    """Run a server with an empty database; what it says beside goes to a file in `folder`."""
    with (folder / "hapi.txt").open("w+b") as output:
        process = subprocess.Popen(
            [str(SCRIPT), "serve", str(free_port())], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield _ready(process, folder / "hapi.txt")
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _ready(process: subprocess.Popen[bytes], output: Path) -> Running:
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        if found := READY.search(output.read_text()):
            return Running(found["base"], found["version"], float(found["seconds"]))
        time.sleep(0.2)
    raise AssertionError(f"HAPI did not start:\n{output.read_text()}")


def issues(resources: Iterable[bytes]) -> list[list[Issue]]:
    """Return what HAPI's instance validator says of each resource (JSON without a line break)."""
    lines = list(resources)
    assert all(b"\n" not in line for line in lines)
    ended = subprocess.run(
        [str(SCRIPT), "validate"],
        input=b"\n".join(lines) + b"\n",
        capture_output=True,
        timeout=STARTS_WITHIN + len(lines),
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    said: list[dict[str, Any]] = [msgspec.json.decode(line) for line in ended.stdout.splitlines()]
    assert said[0]["validator"].startswith("HAPI FHIR ")
    found = [[Issue(**one) for one in answer["issues"]] for answer in said[1:]]
    assert len(found) == len(lines)
    return found
