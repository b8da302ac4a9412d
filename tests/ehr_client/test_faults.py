"""Everything that a FHIR server can do wrong, and what the service makes of it: over HTTP, for real.

Each row of `HABITS` and `FAULTS` is a line of docs/fetching.md; tests/docs holds them together.
"""

import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import requests

from tests.conformance.calls import NAME, PATIENT, request
from tests.ehr_client import canned, fault_proxy, faults, habits, serving
from tests.ehr_client.fault_proxy import Answer, FaultProxy, Habit
from tests.ehr_client.habits import Paging

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.server

BUDGET = 3.0  # seconds
SLACK = 6.0  # for a machine that is busy with other tests; what hangs here hangs for 20 s
TOKEN = "tok3n-Q7xk.Zm9v-_~+/=="  # noqa: S105 - of nobody
NOT_READ = "org.heavylegs.not-read"
HTML = Answer(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")
Json = dict[str, Any]


class Stage(NamedTuple):
    """The service, the server that misbehaves, and one elsewhere that should never be asked."""

    service: serving.Fetching
    server: FaultProxy
    elsewhere: FaultProxy


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return them; the service may ask the first server alone."""
    folder: Path = tmp_path_factory.mktemp("faults")
    faults.bomb()  # made before it is asked for
    with (
        fault_proxy.serving(canned.answered) as server,
        fault_proxy.serving(canned.answered) as elsewhere,
        serving.running(
            folder, [serving.loopback(server.base)], CDS_FETCH_BUDGET=str(int(BUDGET * 1000))
        ) as service,
    ):
        yield Stage(service, server, elsewhere)


class Answered(NamedTuple):
    """What the service answered, and after how many seconds."""

    status: int
    body: Json
    took: float

    @property
    def why(self) -> dict[str, str]:
        """Why each key was not or not wholly read."""
        return {one["what"]: one["reason"] for one in self.body["extension"].get(NOT_READ, ())}

    @property
    def warns(self) -> bool:
        """Whether the potassium of 2.4, the newest result, was seen."""
        return any(card["summary"].startswith("Potassium 2.4") for card in self.body["cards"])


def called(stage: Stage, prefetch: Json | None = None, **more: Any) -> Answered:
    """Call the service without any record; nothing secret may be seen afterwards."""
    authorization = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": "heavy-legs",
        "patient": PATIENT,
    }
    body = request(
        prefetch=... if prefetch is None else prefetch,
        **{"fhirServer": stage.server.base, "fhirAuthorization": authorization, **more},
    )
    body["prefetch"] = prefetch or {}
    begun = time.monotonic()
    found = requests.post(
        f"{stage.service.discovery}/heavy-legs-patient-view", json=body, timeout=BUDGET + 20
    )
    took = time.monotonic() - begun
    told = stage.service.log()
    for secret in (TOKEN, PATIENT, NAME, "_getpages", "?patient="):
        assert secret not in told
        assert secret not in found.text or secret == PATIENT  # a suggested order names its patient
    assert took < BUDGET + SLACK
    return Answered(found.status_code, found.json(), took)


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
    assert stage.server.connections <= 15


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


# --- who is asked, and with what ---


@pytest.mark.requirement(23)
def test_a_server_that_is_not_the_clients_is_not_asked(stage: Stage) -> None:
    stage.elsewhere.behave(fault_proxy.well_behaved)
    answered = called(stage, fhirServer=stage.elsewhere.base)
    assert answered.status == 412
    assert "none that may be asked for this client" in answered.body["issue"][0]["diagnostics"]
    assert stage.elsewhere.asked == []


@pytest.mark.requirement(21, 22)
def test_an_expired_token_is_not_sent(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    expired = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 0,
        "scope": "",
        "subject": "heavy-legs",
    }
    answered = called(stage, fhirAuthorization=expired)
    assert answered.status == 412
    assert "has expired" in answered.body["issue"][0]["diagnostics"]
    assert stage.server.asked == []


@pytest.mark.requirement(22)
def test_an_open_server_is_asked_without_a_token(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    assert called(stage, fhirAuthorization=...).warns
    assert all("authorization" not in one.headers for one in stage.server.asked)
    # A server that needs no token was asked and has answered: nothing is wrong with the EHR's address.
    assert "neither prefetch" not in stage.service.log()


@pytest.mark.requirement(23)
def test_what_is_asked_is_what_is_published(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    called(stage)
    (service,) = (
        one
        for one in requests.get(stage.service.discovery, timeout=20).json()["services"]
        if one["hook"] == "patient-view"
    )
    published = {
        "/fhir/" + template.replace("{{context.patientId}}", PATIENT)
        for key, template in service["prefetch"].items()
        if key != "encounter"  # the context names none: that query cannot be filled
    }
    assert {one.target for one in stage.server.asked} == published
    assert {one.headers["accept"] for one in stage.server.asked} == {
        "application/fhir+json, application/json;q=0.9"
    }
    assert all("cookie" not in one.headers for one in stage.server.asked)


@pytest.mark.requirement(14, 24)
def test_nothing_is_asked_when_nothing_is_missing(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    everything = {**request()["prefetch"]} | {
        key: {"resourceType": "Bundle", "type": "searchset"}
        for key in (
            *("specimens", "vitals", "findings", "medicationRequests", "medicationRequestsEnded"),
            *("medicationStatements", "procedures", "serviceRequests", "diagnosticReports"),
            *("devices", "questionnaireResponses"),
        )
    }
    assert called(stage, everything).status == 200
    assert stage.server.asked == []


@pytest.mark.requirement(14)
def test_a_list_that_prefetch_began_is_read_to_its_end(stage: Stage) -> None:
    stage.server.behave(habits.paging(Paging(), stage.server.base))
    query = f"{stage.server.base}/Observation?patient={PATIENT}&category=laboratory"
    first = requests.get(query, timeout=20).json()
    stage.server.asked = []

    answered = called(stage, {"laboratory": first})

    assert "laboratory" not in answered.why
    assert answered.warns
    assert not any(canned.is_laboratory(one) for one in stage.server.asked)  # only the further pages
    assert len([one for one in stage.server.asked if "_getpages" in one.target]) == 2


@pytest.mark.requirement(14)
def test_a_list_that_cannot_be_read_on_stays_as_it_was_sent(stage: Stage) -> None:
    stage.server.behave(habits.paging(Paging(), stage.server.base))
    query = f"{stage.server.base}/Observation?patient={PATIENT}&category=laboratory"
    first = requests.get(query, timeout=20).json()
    stage.server.behave(lambda *_: Answer(500))
    sent = {
        "laboratory": first,
        **{key: request()["prefetch"][key] for key in ("patient", "conditions")},
    }

    answered = called(stage, sent)

    assert answered.why["laboratory"] == "server-error"
    assert answered.warns


def test_the_audit_has_the_reasons(stage: Stage) -> None:
    stage.server.behave(faults.laboratory(faults.web_page))
    called(stage)
    raw = b"".join(path.read_bytes() for path in stage.service.audit.parent.glob("audit.sqlite3*"))
    assert json.dumps({"what": "laboratory", "why": "not-fhir"}, separators=(",", ":")).encode() in raw
    assert TOKEN.encode() not in raw
    assert NAME.encode() not in raw
