"""The image is built from the Dockerfile and runs as the compose file says: `container.py` tells how.

Without a Docker engine, so without its base image; all else is carried out as it is written.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cds_service
from tests.conformance.calls import HOOKS, address, request
from tests.packaging import container

pytestmark = [pytest.mark.container, pytest.mark.packages]
CHECKOUT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 420  # seconds; nearly all of it is pip
CALL = """
import json, sys, urllib.request
json_sent = {"Content-Type": "application/json"}
call = urllib.request.Request(sys.argv[1], sys.stdin.buffer.read() or None, json_sent)
with urllib.request.urlopen(call, timeout=20) as answer:
    print(answer.read().decode())
"""


class Container(msgspec.Struct, frozen=True):
    """The service, running in a file system and a network of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def said(self) -> dict[str, Any]:
        """What the Dockerfile said of the image, and the environment."""
        found: dict[str, Any] = json.loads((self.folder / "container.json").read_text())
        return found

    def within(
        self, *words: str, body: bytes = b"", user: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program in it, as `docker exec` does; as root unless another is named."""
        enter = ["nsenter", f"--target={self.process.pid}", "--mount", "--net", "--root", "--wd"]
        become = ["setpriv", f"--reuid={user}", "--clear-groups", "--bounding-set=-all"] if user else []
        return subprocess.run(
            [*enter, *become, *words],
            input=body,
            env=self.said["environment"],
            capture_output=True,
            check=False,
            timeout=60,
        )

    def call(self, path: str, body: bytes = b"") -> Any:
        """Call the service from inside."""
        found = self.within("python", "-c", CALL, f"http://127.0.0.1:8080{path}", body=body)
        assert found.returncode == 0, found.stderr.decode()
        return json.loads(found.stdout)

    @property
    def health(self) -> list[str]:
        """The image's health check."""
        command: list[str] = json.loads(self.said["HEALTHCHECK"].split(" CMD ")[1])
        return command


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Build the image, start it, and wait until its own health check is content."""
    folder = tmp_path_factory.mktemp("container")
    for name in ("stages", "volume"):
        (folder / name).mkdir()
    module = [sys.executable, "-m", "tests.packaging.container", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/usr/bin/env", "unshare", "--mount", "--propagation", "private", *module],
            cwd=CHECKOUT,
            stdout=log,
            stderr=log,
        )
    found = Container(process, folder)
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        started = (folder / "volume" / "audit.sqlite3").exists()
        if started and found.within(*found.health, user=found.said["USER"]).returncode == 0:
            break
        time.sleep(0.5)
    else:
        process.kill()
        process.wait()
        pytest.fail(f"it did not start:\n{(folder / 'log').read_text('utf-8')}", pytrace=False)
    yield found
    process.terminate()
    process.wait(timeout=30)


def status_of(process: int) -> dict[str, list[str]]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def children(process: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_the_exact_command_of_the_image_runs(running: Container) -> None:
    words = Path(f"/proc/{running.process.pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    assert words[1].endswith("/bin/cds-service")
    assert ["cds-service", *words[2:]] == json.loads(running.said["CMD"])


def test_neither_it_nor_its_workers_are_root_or_can_become_so(running: Container) -> None:
    workers = children(running.process.pid)
    assert workers
    for process in (running.process.pid, *workers):
        found = status_of(process)
        assert found["Uid"] == [running.said["USER"]] * 4
        assert int(found["Gid"][0]) > 0
        assert {found[name][0] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
        assert found["NoNewPrivs"] == ["1"]


def test_its_health_check_is_content_with_it_and_with_nobody_else(running: Container) -> None:
    assert running.within(*running.health).returncode == 0
    elsewhere = [one.replace(":8080", ":8099") for one in running.health]
    assert elsewhere != running.health
    assert running.within(*elsewhere).returncode != 0


@pytest.mark.parametrize("hook", HOOKS)
def test_it_answers_a_call_at_each_hook(running: Container, hook: str) -> None:
    body = json.dumps(request(hook, extension=...)).encode()
    answer = running.call(address(hook), body)
    assert answer.keys() == {"cards"}, "no demonstration unless it is asked for"


def test_it_is_the_version_and_the_rule_base_of_the_checkout(running: Container) -> None:
    said = running.within("cds-service", "--version").stdout.decode()
    assert cds_service.__version__ in said
    here = subprocess.run(
        [sys.executable, "-m", "cds_service", "rules", "check"],
        capture_output=True,
        check=True,
        cwd="/tmp",  # noqa: S108 - no checkout there
    )
    assert running.within("cds-service", "rules", "check").stdout == here.stdout


def test_nothing_but_the_volume_and_tmp_can_be_written_even_by_root(running: Container) -> None:
    for folder in ("/", "/opt/cds-service/bin", "/etc", "/var/lib", "/var/tmp", "/home"):  # noqa: S108
        found = running.within("sh", "-c", f"echo > {folder}/written")
        assert b"Read-only file system" in found.stderr, folder
    for folder in ("/deploy",):
        assert b"Read-only" in running.within("sh", "-c", f"echo > {folder}/written").stderr


def test_only_the_audit_log_is_in_the_volume_and_only_the_service_reads_it(running: Container) -> None:
    running.call(address(), json.dumps(request(extension=...)).encode())
    volume = running.folder / "volume"
    assert {one.name for one in volume.iterdir()} == {
        "audit.sqlite3",
        "audit.sqlite3-wal",
        "audit.sqlite3-shm",
        "audit.sqlite3.key",
    }
    owner = int(running.said["USER"])
    for one in (volume, *volume.iterdir()):
        assert (one.stat().st_uid, one.stat().st_mode & 0o077) == (owner, 0), one
    left = running.within("sh", "-c", "ls -A /tmp").stdout.decode().split()
    assert left == []


def test_pip_and_what_it_was_built_with_stay_behind(running: Container) -> None:
    for word in ("pip", "hatchling", "pytest"):
        assert running.within("python", "-c", f"import {word}").returncode != 0
    for folder in ("/build", "/wheels", "/opt/build"):
        assert running.within("test", "-e", folder).returncode != 0


def test_what_it_is_run_with_beside_the_service_is_there(running: Container) -> None:
    services = container.compose()["services"]
    seed = services["seed"]["command"]
    assert seed[0] == "cds-service"
    help_of_seed = running.within(*seed[:3], "--help")
    assert help_of_seed.returncode == 0, help_of_seed.stderr.decode()
    assert running.within(*seed).returncode != 0, (
        "nobody is called hapi here: tried again until there is"
    )
    first = services["first-start"]["command"]
    made = " ".join(shlex.quote(one) for one in [*first[:2], "$PWD", "0", "$PWD"]).replace("'", "")
    found = running.within("sh", "-ec", f"cd /tmp; mkdir made; cd made; {made}; ls; cd ..; rm -r made")
    assert b"certificate.pem" in found.stdout, found.stderr.decode()


def test_it_ends_in_good_order_and_the_log_is_whole(running: Container) -> None:
    # Last of the file: it stops the service.
    running.call(address(), json.dumps(request(extension=...)).encode())
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=25) == 0
    verify = [sys.executable, "-m", "cds_service", "audit", "verify"]
    database = running.folder / "volume" / "audit.sqlite3"
    done = subprocess.run(
        [*verify, "--db", str(database)],
        capture_output=True,
        check=False,
        env={**os.environ},
        cwd=CHECKOUT,
    )
    assert done.returncode == 0, done.stdout.decode()
    assert b"whole" in done.stdout
