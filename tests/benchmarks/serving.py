"""The service and an empty route as processes of their own: start-up time, memory, calls over HTTP."""

import http.client
import json
import math
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.benchmarks.bodies import CHECKOUT, Body

STARTS_WITHIN = 60.0  # seconds
SERVICE, EMPTY = ("cds_service", "serve", "--port"), ("tests.benchmarks.empty",)
_ANSWERED = 200


class Running(msgspec.Struct, frozen=True):
    """A started server: its main process, port, and the seconds to its first answer."""

    process: int
    port: int
    started_in: float


class Calls(msgspec.Struct, frozen=True):
    """Requests a second, latencies in milliseconds, and what the client itself cost per request."""

    per_second: float
    p50: float
    p95: float
    p99: float
    client_us: float


class Memory(msgspec.Struct, frozen=True):
    """Of one process, in MB: resident, and with pages shared between processes divided among them."""

    rss: float
    pss: float


@contextmanager
def running(module: tuple[str, ...], folder: Path) -> Iterator[Running]:
    """Start a server on a free port; end it, and all its processes, afterwards."""
    port = _free_port()
    output = folder / f"{module[0]}-{port}.log"
    environment = {
        **os.environ,
        "HOST": "127.0.0.1",
        "CDS_AUDIT_DB": str(folder / f"audit-{port}.sqlite3"),
        "CDS_ALLOW_NOW": "1",  # the bodies say what time it is
        "CDS_RATE": "",  # one client sends all it can
    }
    begun = time.perf_counter()
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *module, str(port)],
            cwd=CHECKOUT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, port, output)
        yield Running(process.pid, port, time.perf_counter() - begun)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/cds-services")
            if connection.getresponse().status == _ANSWERED:
                return
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    raise SystemExit(f"bench: the server did not start:\n{output.read_text()[-2000:]}")


def call(
    server: Running, path: str, body: Body, connections: int, seconds: float, folder: Path
) -> Calls:
    """Load one address for some seconds, by a client in a process of its own."""
    file = folder / "body.json"
    file.write_bytes(body.raw)
    arguments = (str(server.port), path, str(file), str(connections), str(seconds))
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    latencies: list[float] = found["latencies"]
    if found["wrong"] or not latencies:
        raise SystemExit(f"bench: a call of {path} failed: {found['wrong']}")
    return Calls(
        per_second=len(latencies) / found["seconds"],
        p50=_quantile(latencies, 50),
        p95=_quantile(latencies, 95),
        p99=_quantile(latencies, 99),
        client_us=found["cpu"] / len(latencies) * 1e6,
    )


def _quantile(ordered: list[float], percent: int) -> float:
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] * 1000


def middle(several: list[Calls]) -> Calls:
    """The median of each number over rounds."""
    names = Calls.__struct_fields__
    return Calls(*(statistics.median(getattr(one, name) for one in several) for name in names))


def memory(server: Running) -> list[Memory]:
    """Of the main process and each worker; empty where the system is not Linux."""
    return [found for one in _family(server.process) if (found := _memory(one)) is not None]


def _family(process: int) -> list[int]:
    """A process and its children, the process first."""
    children = Path(f"/proc/{process}/task/{process}/children")
    return [process, *map(int, children.read_text().split())] if children.is_file() else [process]


def _memory(process: int) -> Memory | None:
    rollup = Path(f"/proc/{process}/smaps_rollup")
    if not rollup.is_file():
        return None
    kilobytes = {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in rollup.read_text().splitlines()[1:])
    }
    return Memory(kilobytes["Rss"] / 1024, kilobytes["Pss"] / 1024)
