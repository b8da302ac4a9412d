"""What is asked at all, with how many threads, and what is said of what is not asked."""

import logging
import threading
import time
from typing import Any

import pytest

from cds_service.clients.model import FhirServer
from cds_service.ehr.asking import retry_after
from cds_service.ehr.budget import Budget
from cds_service.ehr.connection import Answer
from cds_service.ehr.fetching import Fetching
from cds_service.ehr.pool import Pool
from tests.ehr_client import canned, fault_proxy, faults
from tests.ehr_client.fault_proxy import Answer as Answered
from tests.unit.ehr.asking_us import SERVICE, fetched, reasons

BASE = "http://127.0.0.1:9/fhir"  # where nobody listens
ENTRY = FhirServer(BASE, plain_http=True, private=True)
AUTHORIZATION = {
    "access_token": "tok3n-Q7xk",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "",
    "subject": "us",
}
NEXT = {
    "resourceType": "Bundle",
    "entry": [{"resource": {"resourceType": "Condition", "id": "c"}}],
    "link": [{"relation": "next", "url": f"{BASE}?p=2"}],
}

NOT_ASKED: list[tuple[str, str, list[FhirServer], dict[str, Any]]] = [
    ("not-delivered", BASE, [], {}),
    ("no-fhir-server", "", [ENTRY], {}),
    ("server-not-allowed", "http://127.0.0.1:10/fhir", [ENTRY], {}),
    ("server-not-allowed", BASE, [FhirServer(BASE, private=True)], {}),
    ("address-refused", BASE, [FhirServer(BASE, plain_http=True)], {}),
    ("token-expired", BASE, [ENTRY], {"expires_in": 0}),
    ("token-expired", BASE, [ENTRY], {"expires_in": -5}),
    ("token-unusable", BASE, [ENTRY], {"access_token": "a\r\nX-Evil: 1"}),
    ("token-unusable", BASE, [ENTRY], {"access_token": "tök"}),
    ("unreachable", BASE, [ENTRY], {}),
]


@pytest.mark.requirement(21, 22, 23)
@pytest.mark.parametrize(("reason", "base", "servers", "more"), NOT_ASKED)
def test_why_nothing_is_asked(
    reason: str,
    base: str,
    servers: list[FhirServer],
    more: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    authorization: dict[str, Any] = {"fhirAuthorization": AUTHORIZATION | more} if base else {}
    found = fetched(Fetching(10), base, servers, **authorization)
    assert reasons(found) == {"patient": reason, "conditions": reason}
    assert ("tok3n" in caplog.text, "pat-Q7xk" in caplog.text) == (False, False)
    assert reason == "not-delivered" or f"{reason}: patient, conditions" in caplog.text


def test_a_list_that_was_sent_is_never_lost() -> None:
    given = {"conditions": NEXT}
    refused = fetched(Fetching(10), BASE, [], ["conditions"], prefetch=given)
    assert refused == {}  # what the request brought stays
    asked = fetched(Fetching(10), BASE, [ENTRY], ["conditions"], prefetch=given)
    assert reasons(asked) == {"conditions": "unreachable"}


def test_nothing_to_ask_asks_nobody() -> None:
    assert fetched(Fetching(10), BASE, [ENTRY], []) == {}


@pytest.mark.requirement(17)
def test_a_query_without_its_value_is_not_asked() -> None:
    found = fetched(Fetching(10), BASE, [ENTRY], ["encounter"])
    assert reasons(found) == {"encounter": "no-value-for-query"}


# --- threads ---


def test_a_client_has_only_its_share_of_the_threads() -> None:
    pool, going, let_go = Pool(8, of_a_client=3), [], threading.Event()
    budget = Budget(30)

    def work() -> None:
        going.append(1)
        let_go.wait(20)

    try:
        held = [pool.submit("a", budget, work) for _ in range(3)]
        assert all(held)
        assert pool.submit("a", Budget(0.05), work) is None  # in the time that call has
        assert pool.submit("b", budget, work) is not None
    finally:
        let_go.set()
    again = pool.submit("a", budget, work)
    assert again is not None
    again.result(timeout=20)
    assert len(going) == 5


def test_time_that_is_up_ends_every_wait() -> None:
    budget = Budget(60)
    threading.Timer(0.05, budget.end).start()
    begun = time.monotonic()
    assert not budget.wait(30)
    assert time.monotonic() - begun < 10
    assert not budget.wait(0.001)


# --- Retry-After ---

DATE = "Mon, 23 Nov 2026 08:00:00 GMT"
AFTER = [
    ({}, 0),
    ({"Retry-After": "2"}, 2),
    ({"Retry-After": " 0 "}, 0),
    ({"Retry-After": "9" * 40}, 999_999_999),
    ({"Retry-After": "-1"}, 0),
    ({"Retry-After": "1.5"}, 0),
    ({"Retry-After": "soon"}, 0),
    ({"Retry-After": "٣"}, 0),
    ({"Retry-After": "Mon, 23 Nov 2026 08:00:07 GMT", "Date": DATE}, 7),
    ({"Retry-After": "Mon, 23 Nov 2026 07:00:00 GMT", "Date": DATE}, 0),
    ({"Retry-After": "Mon, 23 Nov 2026 08:00:07 GMT"}, 0),
    ({"Retry-After": "Mon, 23 Nov 2026 08:00:07", "Date": DATE}, 0),
]


@pytest.mark.parametrize(("headers", "seconds"), AFTER)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(Answer(503, headers)) == seconds


# --- a server that drips ---


def test_threads_are_free_again_when_time_is_up() -> None:
    pool = Pool(4, of_a_client=2)
    with fault_proxy.serving(lambda _: Answered()) as server:
        server.behave(lambda _, __, wire: faults.slow_drip(b" " * 400, wire))  # for 40 seconds
        entry = FhirServer(server.base, plain_http=True, private=True)
        begun = time.monotonic()
        found = fetched(Fetching(0.5, pool=pool), server.base, [entry])
        assert set(reasons(found).values()) == {"out-of-time"}
        both = [pool.submit("st-elsewhere", Budget(15), threading.Event().is_set) for _ in range(2)]
        assert all(both)  # the client's share is whole again: nobody reads from the dripping server
        assert time.monotonic() - begun < 15


def test_no_more_connections_than_keys() -> None:
    with fault_proxy.serving(canned.answered) as server:
        entry = FhirServer(server.base, plain_http=True, private=True)
        keys = [key for key in SERVICE.prefetch if key != "encounter"]
        fetched(Fetching(20), server.base, [entry], keys)
        assert len(server.asked) == len(keys)
        assert server.connections <= len(keys)


@pytest.mark.requirement(22)
@pytest.mark.parametrize("quiet", [True, False], ids=["as it is", "were urllib3 heard"])
def test_no_address_gets_into_the_log_from_below(caplog: pytest.LogCaptureFixture, quiet: bool) -> None:
    with fault_proxy.serving(canned.answered) as server:
        server.behave(faults.laboratory(faults.bad_header))
        entry = FhirServer(server.base, plain_http=True, private=True)
        if not quiet:
            caplog.set_level(logging.WARNING, "urllib3")
        fetched(Fetching(20), server.base, [entry], ["laboratory"])
    assert ("patient=pat-Q7xk" in caplog.text) is not quiet
