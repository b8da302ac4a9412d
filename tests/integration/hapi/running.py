"""HAPI FHIR, by others, as this folder's Maven project starts it: the server and the validator."""

import fcntl
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from tests.browser.serving import free_port

SCRIPT = Path(__file__).with_name("hapi.sh")
BUILT_WITHIN = 200.0  # seconds; with an empty ~/.m2 it took some 80, and 10 when all was there
STARTS_WITHIN = 300.0  # seconds; it takes about 20 on two idle cores, and minutes on busy ones
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
    missing = [program for program in ("java", "javac", "mvn") if not shutil.which(program)]
    if missing:
        return f"no {', no '.join(missing)} on PATH (Debian: apt install openjdk-17-jdk-headless maven)"
    try:
        with (Path(tempfile.gettempdir()) / "heavy-legs-hapi.lock").open("w") as one_at_a_time:
            fcntl.flock(one_at_a_time, fcntl.LOCK_EX)  # of pytest's workers
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


class Validator:
    """HAPI's instance validator, a process that answers line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Take the process; its first line says its version."""
        self._process = process
        self.version: str = self._line()["validator"]
        assert self.version.startswith("HAPI FHIR ")

    def issues(self, resource: bytes) -> list[Issue]:
        """Return what it says of a resource: JSON without a line break."""
        assert b"\n" not in resource
        assert self._process.stdin
        self._process.stdin.write(resource + b"\n")
        self._process.stdin.flush()
        return [Issue(**one) for one in self._line()["issues"]]

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the validator ended"
        found: dict[str, Any] = msgspec.json.decode(line)
        return found


@contextmanager
def validating() -> Iterator[Validator]:
    """Run the validator."""
    with subprocess.Popen(
        [str(SCRIPT), "validate"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Validator(process)
        finally:
            process.kill()
