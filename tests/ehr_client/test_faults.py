"""Everything that a FHIR server can do wrong, and what the service makes of it: over HTTP, for real.

Each row of `HABITS` and `FAULTS` is a line of docs/fetching.md; tests/docs holds them together.
"""

import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any, NamedTuple

import pytest

from tests.ehr_client import fault_proxy, faults, habits
from tests.ehr_client.fault_proxy import Answer, Habit
from tests.ehr_client.habits import Paging
from tests.ehr_client.staging import BUDGET, TOKEN, Stage, called, staged

pytestmark = pytest.mark.server

HTML = Answer(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return the service and its servers."""
    with staged(tmp_path_factory.mktemp("faults")) as running:
        yield running


# --- what HAPI does, and what others do within their rights ---


class Case(NamedTuple):
    """A habit, given the base of the server and of the one elsewhere; what is then said of the list."""

    behaves: Callable[[str, str], Habit]
    reason: str = ""  # empty: the whole list was read
    warns: bool = True  # about what stands on the first page


def _paged(**how: Any) -> Callable[[str, str], Habit]:
    return lambda base, _: habits.paging(Paging(**how), base)


def _elsewhere(change: Callable[[str], str]) -> Callable[[str, str], Habit]:
    """Pages whose `next` names what `change` makes of the base elsewhere."""
    return lambda base, other: habits.paging(Paging(origin=change(other)), base)


def _later(seconds: int) -> Answer:
    return Answer(
        503, HTML.body, HTML.kind, {"Retry-After": formatdate(time.time() + seconds, usegmt=True)}
    )


HABITS: dict[str, Case] = {
    "opaque next on the root": Case(_paged()),
    "next with another scheme": Case(_elsewhere(lambda base: base.replace("http:", "https:")[:-5])),
    "next with another port": Case(_elsewhere(lambda base: base[:-5])),
    "next with another host": Case(_elsewhere(lambda base: base[:-5].replace("127.0.0.1", "localhost"))),
    "next outside the base": Case(_paged(root="/other"), "page-elsewhere"),
    "total absent": Case(_paged(total="absent")),
    "total too low": Case(_paged(total="3")),
    "total too high": Case(_paged(total="2003"), "fewer-than-total"),
    "expired page, once": Case(_paged(expired=1)),
    "expired page, always": Case(_paged(expired=10**6), "page-expired"),
    "last page offers an empty one": Case(_paged(ends="empty")),
    "last page leads back": Case(_paged(ends="again"), "page-again"),
    "unknown parameter": Case(lambda *_: habits.strict, "query-refused", warns=False),
    "warning beside the entries": Case(lambda *_: habits.changed(habits.with_outcomes("warning"))),
    "error beside the entries": Case(
        lambda *_: habits.changed(habits.with_outcomes("error")), "error-outcome"
    ),
    "cached search": Case(lambda *_: habits.cached()),
    "HTML 502, once": Case(lambda *_: habits.instead(HTML, 1)),
    "HTML 502, always": Case(lambda *_: habits.instead(HTML), "server-busy", warns=False),
    "HTML 504": Case(
        lambda *_: habits.instead(Answer(504, HTML.body, HTML.kind)), "server-error", warns=False
    ),
    "500": Case(
        lambda *_: habits.instead(habits.outcome(500, "HAPI-2223: Timer already cancelled.")),
        "server-error",
        warns=False,
    ),
    "429, Retry-After in seconds": Case(
        lambda *_: habits.instead(Answer(429, headers={"Retry-After": "1"}), 1)
    ),
    "503, Retry-After as a date": Case(lambda *_: habits.instead(_later(1), 1)),
    "503, Retry-After beyond the budget": Case(
        lambda *_: habits.instead(Answer(503, headers={"Retry-After": "60"})), "server-busy", warns=False
    ),
    "token unknown to it": Case(
        lambda *_: habits.instead(habits.outcome(403, "unknown token")), "not-authorised", warns=False
    ),
    "type not supported": Case(
        lambda *_: habits.instead(habits.outcome(404, "Unknown resource type")), "not-found", warns=False
    ),
}


@pytest.mark.requirement(14, 24)
@pytest.mark.parametrize("name", HABITS)
def test_a_habit_of_a_server(stage: Stage, name: str) -> None:
    case = HABITS[name]
    stage.elsewhere.behave(fault_proxy.well_behaved)
    stage.server.behave(case.behaves(stage.server.base, stage.elsewhere.base))

    answered = called(stage)

    assert answered.status == 200, answered.body
    assert answered.why.get("laboratory", "") == case.reason
    assert answered.warns is case.warns
    assert stage.elsewhere.asked == []  # neither the token nor anything else went there
    assert all(one.headers["authorization"] == f"Bearer {TOKEN}" for one in stage.server.asked)
    # One for each query of the hook, kept for what is asked again; and what the call of the case before,
    # cut off by its budget, may still have been opening.
    assert stage.server.connections <= 20


# --- what breaks ---


class Fault(NamedTuple):
    """A fault of the answer about laboratory results, and what is then said of the list."""

    broken: faults.Broken
    reason: str = ""


FAULTS: dict[str, Fault] = {
    "slow first byte": Fault(faults.slow_first_byte, "out-of-time"),
    "slow drip": Fault(faults.slow_drip, "out-of-time"),
    "slow drip of the header": Fault(faults.slow_headers, "out-of-time"),
    "connection reset mid-body": Fault(faults.reset, "broken-off"),
    "connection closed mid-body": Fault(faults.cut_off, "broken-off"),
    "chunks that end early": Fault(faults.chunks_cut_off, "broken-off"),
    "truncated gzip": Fault(faults.truncated_gzip, "not-fhir"),
    "gzip bomb": Fault(faults.gzip_bomb, "too-large"),
    "good gzip": Fault(faults.good_gzip),
    "10 MB page": Fault(faults.ten_megabytes, "too-large"),
    "wrong content type": Fault(faults.web_page, "not-fhir"),
    "no JSON": Fault(faults.not_json, "not-fhir"),
    "header that is none": Fault(faults.bad_header),
}


@pytest.mark.requirement(14, 22, 24)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_one_answer_leaves_the_others(stage: Stage, name: str) -> None:
    fault = FAULTS[name]
    stage.server.behave(faults.laboratory(fault.broken))

    answered = called(stage)

    assert answered.status == 200, answered.body
    assert answered.why.get("laboratory", "") == fault.reason
    assert answered.warns is (not fault.reason)
    assert "vitals" not in answered.why
    told = [line for line in stage.service.log().splitlines() if "fetched" in line]
    assert not fault.reason or "laboratory" in told[-1]
    assert not fault.reason or fault.reason in told[-1]


@pytest.mark.requirement(23)
def test_a_redirect_is_not_followed(stage: Stage) -> None:
    stage.elsewhere.behave(fault_proxy.well_behaved)
    stage.server.behave(faults.laboratory(faults.redirect(stage.elsewhere.base)))

    assert called(stage).why["laboratory"] == "redirected"
    assert stage.elsewhere.asked == []


@pytest.mark.requirement(14)
@pytest.mark.parametrize(
    ("ends", "reasons", "most"),
    [("never", ["page-again"], 4), ("grows", ["too-many-pages", "out-of-time"], 50)],
)
def test_endless_pages_end(stage: Stage, ends: str, reasons: list[str], most: int) -> None:
    stage.server.behave(habits.paging(Paging(size=3, ends=ends), stage.server.base))

    answered = called(stage)

    assert answered.why["laboratory"] in reasons
    assert answered.warns  # what was on the first page counts
    pages = [one.parameters["_getpages"] for one in stage.server.asked if "_getpages" in one.target]
    assert max(pages.count(one) for one in set(pages)) <= most


@pytest.mark.requirement(14)
def test_a_page_that_comes_too_late_leaves_the_first_one(stage: Stage) -> None:
    well = habits.paging(Paging(), stage.server.base)

    def habit(asked: fault_proxy.Asked, upstream: fault_proxy.Upstream, wire: fault_proxy.Wire) -> Any:
        if "_getpages" in asked.parameters:
            return faults.slow_first_byte(b"", wire)
        return well(asked, upstream, wire)

    stage.server.behave(habit)
    answered = called(stage)

    assert answered.why["laboratory"] == "out-of-time"
    assert answered.warns


@pytest.mark.requirement(14)
def test_what_is_somebody_elses_is_dropped(stage: Stage) -> None:
    stage.server.behave(habits.changed(habits.of_everybody))
    answered = called(stage)
    assert answered.why["laboratory"] == "other-patient: 3 dropped"
    assert answered.warns


# --- what is necessary ---


def _for(path: str, answer: Answer) -> Habit:
    return lambda asked, upstream, _: answer if path in asked.target else upstream(asked)


NECESSARY = [
    ("/Patient/", habits.outcome(404, "not known"), "prefetch.patient", "does not have it"),
    ("/Patient/", habits.gone(), "prefetch.patient", "does not have it"),
    ("/Patient/", Answer(body=b'{"resourceType":"Patient","id":"x"}'), "prefetch.patient", "another"),
    ("/Condition", habits.outcome(400, "no"), "prefetch.conditions", "refused the query"),
    ("/Condition", Answer(body=habits.outcome(200, "no").body), "prefetch.conditions", "an error"),
    ("", Answer(401, b"", "text/plain"), "prefetch.patient", "refused the access token"),
    ("", Answer(503, headers={"Retry-After": "30"}), "prefetch.patient", "was busy"),
]


@pytest.mark.requirement(15)
@pytest.mark.parametrize(("path", "answer", "where", "said"), NECESSARY)
def test_what_is_necessary_and_not_to_be_had_is_412(
    stage: Stage, path: str, answer: Answer, where: str, said: str
) -> None:
    stage.server.behave(_for(path, answer))
    answered = called(stage)
    assert answered.status == 412
    (issue,) = answered.body["issue"]
    assert issue["expression"] == [where]
    assert said in issue["diagnostics"]


@pytest.mark.requirement(15, 24)
def test_an_empty_list_of_conditions_is_an_answer(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    answered = called(stage)
    assert (answered.status, answered.warns) == (200, True)


@pytest.mark.requirement(15)
def test_a_server_that_hangs_on_everything_costs_the_budget_and_no_more(stage: Stage) -> None:
    stage.server.behave(lambda _, __, wire: faults.slow_first_byte(b"", wire))
    answered = called(stage)
    assert answered.status == 412
    assert "in the time there is" in answered.body["issue"][0]["diagnostics"]
    assert answered.took > BUDGET * 0.9
