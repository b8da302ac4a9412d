"""What was measured, for people: tables, what got worse since the recorded run, the page in docs."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from tests.benchmarks.bodies import CHECKOUT
from tests.benchmarks.compute import FLOOR, STAGES, WHOLE, Compute
from tests.benchmarks.serving import Calls, Memory

RECORDED = Path(__file__).with_name("recorded.json")
PAGE = CHECKOUT / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- written by `make bench ARGS=--record` -->", "<!-- end of what was written -->"
WORSE = 1.25  # a ratio that grew by more is reported
_NOISE = 0.15  # and by at least so much: small ratios move by themselves
# ARCHITECTURE section 10: resources → milliseconds within which 95 of 100 answers are there over HTTP,
# with one connection (docs/decisions/what-an-answer-may-cost.md).
AIMS = {"15": 25.0, "150": 50.0, "2000": 250.0}


class Http(msgspec.Struct, frozen=True):
    """One body over HTTP, beside the empty route with the same body."""

    body: str
    connections: int
    service: Calls
    empty: Calls


class Start(msgspec.Struct, frozen=True):
    """Seconds from the start of the process to its first answer; memory of each process after load."""

    service: float
    empty: float
    memory: tuple[Memory, ...] = ()


class Run(msgspec.Struct, frozen=True):
    """All that one run measured; parts that were left out are empty."""

    machine: str
    taken: str
    rules: int
    facts: int
    compute: tuple[Compute, ...] = ()
    http: tuple[Http, ...] = ()
    start: Start | None = None


def machine() -> str:
    """The machine in a line, without its name."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in _lines(Path("/proc/cpuinfo"))
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores, {cpu}; {platform.system()}, Python {platform.python_version()}"


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.is_file() else []


def ratios(run: Run) -> dict[str, float]:
    """What runs are compared by: multiples only, for milliseconds are the machine's."""
    found = {
        f"compute, {one.body} resources, {stage}": ratio
        for one in run.compute
        for stage, ratio in one.ratios.items()
    }
    for one in run.http:
        where = f"HTTP, {one.body} resources, {one.connections} connections"
        found[f"{where}, p50 over the empty route's"] = one.service.p50 / one.empty.p50
    if run.start is not None:
        found["start-up over the empty route's"] = run.start.service / run.start.empty
    return found


def worsened(run: Run, before: Run) -> list[str]:
    """Every ratio that grew by more than a quarter since the recorded run."""
    now, then = ratios(run), ratios(before)
    return [
        f"{name}: {then[name]:.2f} then, {value:.2f} now"
        for name, value in now.items()
        if name in then and value > then[name] * WORSE and value > then[name] + _NOISE
    ]


def recorded() -> Run | None:
    """The run that is compared with; None when there is none yet."""
    if not RECORDED.is_file():
        return None
    return msgspec.json.decode(RECORDED.read_bytes(), type=Run)


def record(run: Run) -> None:
    """Keep this run: the file that later runs are compared with, and the page."""
    rounded = _rounded(msgspec.to_builtins(run))
    RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(rounded), indent=1) + b"\n")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n\n{markdown(run)}\n{_END}{after}", encoding="utf-8")


def _rounded(value: object) -> object:
    match value:
        case float():
            return round(value, 4)
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list() | tuple():
            return [_rounded(one) for one in value]
        case _:
            return value


def markdown(run: Run) -> str:
    """Every table, as it is read in the terminal and in the page."""
    parts = [f"{run.taken}. {run.machine}. {run.rules} rules, {run.facts} facts."]
    if run.compute:
        parts += [
            "**Compute**, as a multiple of `orjson.loads` of the same body:",
            _compute(run.compute),
        ]
    if run.http:
        parts += [
            "**Over HTTP**, two processes; in brackets the empty route with the same body:",
            _http(run.http),
        ]
    if run.start is not None:
        parts.append(_started(run.start))
    return "\n\n".join(parts) + "\n"


def _compute(found: Iterable[Compute]) -> str:
    head = ["resources", "kB", "cards", FLOOR, *STAGES, WHOLE, "whole"]
    return _table(head, (list(_computed(one)) for one in found))


def _computed(one: Compute) -> Iterator[str]:
    whole = one.ratios[WHOLE]
    yield one.body
    yield f"{one.kilobytes:.0f}"
    yield str(one.cards)
    yield f"{one.floor_ms:.3f} ms"
    for stage in STAGES:
        yield f"{one.ratios[stage]:.2f}"
    yield f"**{whole:.2f}**"
    yield f"{whole * one.floor_ms:.2f} ms"


def _http(found: Iterable[Http]) -> str:
    head = ["resources", "connections", "requests/s", "p50 ms", "p95 ms", "p99 ms", "client us"]
    return _table(head, (list(_called(one)) for one in found))


def _called(one: Http) -> Iterator[str]:
    yield one.body
    yield str(one.connections)
    yield f"{one.service.per_second:.0f} ({one.empty.per_second:.0f})"
    for name in ("p50", "p95", "p99"):
        aim = _aim(one) if name == "p95" else None
        said = "" if aim is None else f", aim {aim:g}: {'met' if one.service.p95 <= aim else 'not met'}"
        yield f"{getattr(one.service, name):.1f} ({getattr(one.empty, name):.1f}){said}"
    yield f"{one.service.client_us:.0f}"


def _aim(one: Http) -> float | None:
    return AIMS.get(one.body) if one.connections == 1 else None


def _started(one: Start) -> str:
    told = (
        f"**Start-up**, from the start of the process to its first answer: {one.service:.2f} s "
        f"(empty route {one.empty:.2f} s)."
    )
    if not one.memory:
        return told + " Memory is only read on Linux."
    rows = (
        ["main" if number == 0 else f"worker {number}", f"{part.rss:.0f}", f"{part.pss:.0f}"]
        for number, part in enumerate(one.memory)
    )
    table = _table(["process", "resident MB", "proportional MB"], rows)
    return f"{told}\n\n**Memory** after the calls above:\n\n{table}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    whole = [head, *rows]
    widths = [max(len(row[number]) for row in whole) for number in range(len(head))]
    lines = [
        "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in whole
    ]
    rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def summary(run: Run, before: Run | None) -> Mapping[str, list[str]]:
    """What to say at the end: aims that are not met, and what got worse since the recorded run."""
    missed = [
        f"HTTP p95, {one.body} resources: {one.service.p95:.1f} ms, aim {aim:g} ms"
        for one in run.http
        if (aim := _aim(one)) is not None and one.service.p95 > aim
    ]
    return {"missed": missed, "worse": worsened(run, before) if before else []}
