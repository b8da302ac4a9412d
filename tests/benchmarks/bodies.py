"""The bodies that are measured: a patient of ours with heavy legs, and generated record around.

`clinosim` (MIT) writes the hospital of a small town from a seed; its resources are dealt out to the
prefetch keys and made this one patient's. The record is no plausible life, but every resource of it has
the size and the shape of real ones. What the generator wrote is kept in `.benchmarks/`, by its version
and seed.
"""

import gzip
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from cds_service import content
from cds_service.cases import fixtures
from cds_service.hooks.service import Service

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".benchmarks"
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)  # of the fixtures, and of the generated records
SIZES = (15, 150, 2000)
SEED = 7
TOWN = ("--population", "200", "--seed", str(SEED), "--country", "US")
DATES = ("--start", "2025-11-22", "--end", "2026-11-22")
STORY = "k-2-4"  # heavy legs, furosemide, a potassium of 2.4 mmol/L: cards with everything on them
# Of the story these; the rest is generated. With nothing to say, only the Patient.
TOLD = (
    STORY,
    *(
        f"{STORY}-{part}"
        for part in ("heavy-legs", "oedema", "furosemide", "potassium", "potassium-earlier")
    ),
)
# How the generated part is dealt out: about as an internist's patient's record, laboratory foremost.
SHARES = {
    "laboratory": 42,
    "vitals": 20,
    "findings": 12,
    "serviceRequests": 8,
    "medicationRequests": 6,
    "conditions": 5,
    "diagnosticReports": 5,
    "procedures": 2,
}
_KINDS = (
    "Condition",
    "DiagnosticReport",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "ServiceRequest",
)
Resource = dict[str, Any]
Pool = dict[str, list[Resource]]


class Body(msgspec.Struct, frozen=True):
    """A hook request: how many resources it brings, whether there is something to say, its bytes."""

    size: int
    speaks: bool
    raw: bytes

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.size}" if self.speaks else f"{self.size}, nothing to say"


def bodies(service: Service, say: Callable[[str], None]) -> list[Body]:
    """Every body, the small ones first: of each size one with cards and one without."""
    pool = _pool(say)
    return [
        Body(size, speaks, fixtures.encoded(_request(pool, size, service, speaks=speaks)))
        for size in SIZES
        for speaks in (True, False)
    ]


def _request(pool: Pool, size: int, service: Service, *, speaks: bool) -> dict[str, Any]:
    bundle = fixtures.load(content.folder("fhir_fixtures"), STORY)
    kept = TOLD if speaks else TOLD[:1]
    told = [one for one in fixtures.resources(bundle) if one["id"] in kept]
    generated = [one for key, number in _dealt(size - len(told)) for one in pool[key][:number]]
    for one in generated:
        one["subject"] = {"reference": f"Patient/{STORY}"}
    everything = [*told, *generated]
    assert len(everything) == size
    return fixtures.hook_request(
        {**bundle, "entry": [{"resource": one} for one in everything]}, service, now=NOW
    )


def _dealt(total: int) -> list[tuple[str, int]]:
    """So many resources dealt out by `SHARES`; what rounding leaves goes to the laboratory."""
    whole = sum(SHARES.values())
    dealt = {key: total * share // whole for key, share in SHARES.items()}
    dealt["laboratory"] += total - sum(dealt.values())
    return list(dealt.items())


def _pool(say: Callable[[str], None]) -> Pool:
    """Generated resources by prefetch key, in an order that only the seed decides."""
    pool: Pool = {key: [] for key in SHARES}
    for one in _generated(say):
        key = fixtures.prefetch_key(one)
        if key in pool:
            pool[key].append(one)
    for key, found in pool.items():
        found.sort(key=lambda one: str(one["id"]))
        random.Random(f"{SEED} {key}").shuffle(found)  # noqa: S311 - a shuffle that repeats
        _, most = next(one for one in _dealt(max(SIZES)) if one[0] == key)
        if len(found) < most:
            raise SystemExit(f"bench: {most} resources for {key} are needed, {len(found)} generated")
    return pool


def _generated(say: Callable[[str], None]) -> Iterator[Resource]:
    kept = CACHE / f"clinosim-{_generator()}-seed-{SEED}.ndjson.gz"
    if not kept.is_file():
        say("generating records with clinosim; once, about half a minute")
        CACHE.mkdir(exist_ok=True)
        _generate(kept)
    with gzip.open(kept, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _generator() -> str:
    try:
        return version("clinosim")
    except PackageNotFoundError:
        raise SystemExit("bench: clinosim is not installed; `make bench` installs it") from None


def _generate(kept: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("clinosim")),
                *("simulate", "--output", scratch, "--format", "fhir"),
                *(*TOWN, *DATES),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"bench: clinosim failed:\n{done.stderr[-2000:]}")
        unfinished = kept.with_suffix(".unfinished")
        with gzip.open(unfinished, "wb", compresslevel=6) as out:
            for kind in _KINDS:
                out.write((Path(scratch) / "fhir_r4" / f"{kind}.ndjson").read_bytes())
        unfinished.rename(kept)
