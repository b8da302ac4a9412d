"""What `make bench` calls worse: it must not cry at noise, and must not sleep either."""

import msgspec
import pytest

from tests.benchmarks.compute import STAGES, WHOLE, Compute
from tests.benchmarks.report import Http, Run, Start, markdown, recorded, summary, worsened
from tests.benchmarks.serving import Calls


def run_with(whole: float, *, encode: float = 0.05, p50: float = 4.0, p95: float = 9.0) -> Run:
    ratios = {**dict.fromkeys(STAGES, 0.2), "encode": encode, WHOLE: whole}
    calls = Calls(per_second=100, p50=p50, p95=p95, p99=90, client_us=100)
    return Run(
        machine="2 cores",
        taken="2026-11-22",
        rules=1,
        facts=1,
        compute=(Compute("150", 200, 1, 0.8, ratios),),
        http=(Http("150", 1, calls, msgspec.structs.replace(calls, p50=1.0)),),
        start=Start(1.0, 0.5),
    )


def test_a_ratio_that_grew_by_more_than_a_quarter_is_named_with_both_values() -> None:
    assert worsened(run_with(1.3), run_with(1.0)) == [
        "compute, 150 resources, whole: 1.00 then, 1.30 now"
    ]


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(run_with(1.2), id="by a fifth"),
        pytest.param(run_with(0.5), id="better"),
        pytest.param(run_with(1.0, encode=0.12), id="small ratios move by themselves"),
    ],
)
def test_less_than_a_quarter_and_small_ratios_are_not_named(now: Run) -> None:
    assert worsened(now, run_with(1.0)) == []


def test_calls_are_compared_with_the_empty_route_and_not_by_milliseconds() -> None:
    slower_machine = run_with(1.0)
    ((http,), (compute,)) = slower_machine.http, slower_machine.compute
    twice = msgspec.structs.replace(
        slower_machine,
        compute=(msgspec.structs.replace(compute, floor_ms=1.6),),
        http=(
            msgspec.structs.replace(
                http,
                service=msgspec.structs.replace(http.service, p50=8.0),
                empty=msgspec.structs.replace(http.empty, p50=2.0),
            ),
        ),
        start=Start(2.0, 1.0),
    )
    assert worsened(twice, run_with(1.0)) == []
    (named,) = worsened(run_with(1.0, p50=6.0), run_with(1.0))
    assert named == "HTTP, 150 resources, 1 connections, p50 over the empty route's: 4.00 then, 6.00 now"


def test_a_part_that_was_left_out_is_not_compared() -> None:
    assert worsened(Run("", "", 1, 1), run_with(1.0)) == []


def test_an_aim_that_is_missed_is_said() -> None:
    late = run_with(1.0, p95=50.1)
    assert summary(late, None)["missed"] == ["HTTP p95, 150 resources: 50.1 ms, aim 50 ms"]
    assert "aim 50: not met" in markdown(late)
    assert summary(run_with(1.0, p95=50.0), None)["missed"] == []
    (http,) = late.http
    queued = msgspec.structs.replace(late, http=(msgspec.structs.replace(http, connections=8),))
    assert summary(queued, None)["missed"] == []


def test_what_is_recorded_can_be_read_and_has_every_body() -> None:
    run = recorded()
    assert run is not None
    assert {one.body for one in run.compute} >= {"15", "150", "2000"}
    assert run.start is not None
