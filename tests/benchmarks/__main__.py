"""`make bench`: what an answer costs, beside what merely parsing and merely serving cost.

    make bench                       measure, and compare with the recorded run
    make bench ARGS='--only compute' one part: compute, http, start
    make bench ARGS=--record         measure, and keep it as the recorded run

Takes about four minutes. Exit code 1 when a ratio is worse than recorded by more than a quarter.
"""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cds_service import content, fitness
from cds_service.hooks.service import Service
from cds_service.rulebase.model import RuleBase
from tests.benchmarks import compute, report, serving
from tests.benchmarks.bodies import CACHE, Body, bodies
from tests.benchmarks.report import Http, Run, Start

PARTS = ("compute", "http", "start")
HOOK = "patient-view"
CONNECTIONS = (1, 8)
_ROUNDS, _SECONDS = 3, 2.0  # of calls over HTTP
_STARTS = 3
_begun = time.monotonic()


def main() -> int:
    """Measure what is asked for, print it, compare it."""
    chosen = _arguments()
    rule_base = fitness.load(content.texts(content.folder("cards")), locked=False)
    (service,) = rule_base.services_for(HOOK)
    found = bodies(service, _say)
    parts = PARTS if chosen.only == "all" else (chosen.only,)
    run = Run(
        machine=report.machine(),
        taken=datetime.now(UTC).date().isoformat(),
        rules=len(rule_base.rules),
        facts=len(rule_base.facts),
        compute=_compute(found, rule_base, service) if "compute" in parts else (),
    )
    if parts != ("compute",):
        http, start = _served(found, service, calls="http" in parts, starts="start" in parts)
        run = msgspec.structs.replace(run, http=http, start=start)
    before = report.recorded()
    print(report.markdown(run))
    (CACHE / "last.json").write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    told = report.summary(run, before)
    for line in told["missed"]:
        print(f"aim not met  {line}")
    if chosen.record:
        report.record(run)
        print(f"recorded in {report.RECORDED.name} and docs/{report.PAGE.name}")
        return 0
    for line in told["worse"]:
        print(f"WORSE        {line}")
    if before is None:
        print("nothing recorded to compare with")
    elif not told["worse"]:
        print(f"no ratio is worse by more than a quarter than on {before.taken} ({before.machine})")
    return 1 if told["worse"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=(*PARTS, "all"), default="all", help="one part")
    parser.add_argument("--record", action="store_true", help="keep the run as the one to compare with")
    chosen = parser.parse_args()
    if chosen.record and chosen.only != "all":
        parser.error("--record keeps a whole run: leave --only out")
    return chosen


def _say(what: str) -> None:
    print(f"{time.monotonic() - _begun:5.0f} s  {what}", file=sys.stderr, flush=True)


def _compute(found: list[Body], rule_base: RuleBase, service: Service) -> tuple[compute.Compute, ...]:
    taken = []
    for body in found:
        _say(f"compute, {body.name} resources, {len(body.raw) / 1000:.0f} kB")
        taken.append(compute.measure(body, rule_base, service))
    return tuple(taken)


def _served(
    found: list[Body], service: Service, *, calls: bool, starts: bool
) -> tuple[tuple[Http, ...], Start | None]:
    path = f"/cds-services/{service.id}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        begun: tuple[list[float], list[float]] = ([], [])
        for number in range(_STARTS - 1 if starts else 0):
            _say(f"start-up, {number + 1} of {_STARTS}")
            for kind, times in zip((serving.SERVICE, serving.EMPTY), begun, strict=True):
                with serving.running(kind, folder) as one:
                    times.append(one.started_in)
        with (
            serving.running(serving.SERVICE, folder) as full,
            serving.running(serving.EMPTY, folder) as empty,
        ):
            begun[0].append(full.started_in)
            begun[1].append(empty.started_in)
            taken = []
            for body in found:
                for connections in CONNECTIONS if calls and body.speaks else ():
                    _say(f"HTTP, {body.name} resources, {connections} connections")
                    pairs = [
                        [
                            serving.call(one, path, body, connections, _SECONDS, folder)
                            for one in (full, empty)
                        ]
                        for _ in range(_ROUNDS)
                    ]
                    taken.append(
                        Http(
                            body.name,
                            connections,
                            serving.middle([full for full, _ in pairs]),
                            serving.middle([empty for _, empty in pairs]),
                        )
                    )
            memory = tuple(serving.memory(full))
        if not starts:
            return tuple(taken), None
        return tuple(taken), Start(statistics.median(begun[0]), statistics.median(begun[1]), memory)


if __name__ == "__main__":
    sys.exit(main())
