"""A search page by page, with answers by hand: what is read, and what is said of the rest."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cds_service.ehr.absent import AbsentError
from cds_service.ehr.paging import MOST_PAGES, Found, Paged
from cds_service.fhir.absence import Absence

BASE = "https://fhir.example.org/R4"
NEWEST = "Observation?patient=1&_sort=-date&_count=4"
ALL = "Condition?patient=1&_count=4"
Ask = Callable[[str], bytes]


def bundle(*numbers: int, following: str = "") -> bytes:
    entries = [{"fullUrl": f"urn:{number}", "resource": {"id": str(number)}} for number in numbers]
    link = [{"relation": "next", "url": f"{BASE}?{following}"}] if following else []
    return json.dumps({"resourceType": "Bundle", "entry": entries, "link": link}).encode()


class Server:
    """Answers in turn, and what was asked."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url.removeprefix(BASE))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(server: Ask, query: str = ALL, begun: bytes | None = None) -> Found | AbsentError:
    paged = Paged(query, BASE, server, begun)
    paged.run()
    return paged.found()


def ids(found: Found | AbsentError) -> list[str]:
    assert isinstance(found, Found)
    return [one["resource"]["id"] for one in json.loads(found.raw)["entry"]]


def why(found: Found | AbsentError) -> str:
    error = found.why if isinstance(found, Found) else found
    return str(error.why) if error else ""


def gone() -> AbsentError:
    return AbsentError(Absence.NOT_FOUND, 410)


def test_a_list_that_is_not_sorted_is_read_to_its_end() -> None:
    server = Server(bundle(1, 2, 3, 4, following="p=2"), bundle(5, 6, following="p=3"), bundle(7))
    found = run(server)
    assert ids(found) == list("1234567")
    assert (isinstance(found, Found) and found.whole, why(found)) == (True, "")
    assert server.asked == [f"/{ALL}", "?p=2", "?p=3"]


def test_of_the_newest_no_more_are_read_than_are_wanted() -> None:
    server = Server(bundle(1, 2, following="p=2"), bundle(3, 4, following="p=3"))
    found = run(server, NEWEST)
    assert ids(found) == list("1234")
    assert (isinstance(found, Found) and found.whole, why(found)) == (False, "")  # its count has cut it


def test_one_page_is_handed_on_as_it_came() -> None:
    raw = bundle(1, 2)
    found = run(Server(raw))
    assert isinstance(found, Found)
    assert (found.raw, found.whole, found.why) == (raw, False, None)


def test_a_read_has_no_further_pages() -> None:
    server = Server(bundle(1, following="p=2"))
    run(server, "Patient/1")
    assert server.asked == ["/Patient/1"]


def test_an_expired_page_begins_the_search_anew() -> None:
    server = Server(bundle(1, following="p=2"), gone(), bundle(8, following="p=8"), bundle(9))
    assert ids(run(server)) == ["8", "9"]
    assert server.asked == [f"/{ALL}", "?p=2", f"/{ALL}", "?p=8"]


def test_but_only_once() -> None:
    server = Server(bundle(1, following="p=2"), gone(), bundle(8, following="p=8"), gone())
    found = run(server)
    assert (ids(found), why(found)) == (["8"], "page-expired")


def test_a_first_page_that_is_not_there_is_not_an_expired_one() -> None:
    server = Server(gone())
    assert why(run(server)) == "not-found"
    assert len(server.asked) == 1


def test_a_further_page_that_fails_leaves_those_before_it() -> None:
    found = run(Server(bundle(1, following="p=2"), AbsentError(Absence.BUSY, 503)))
    assert (ids(found), why(found)) == (["1"], "server-busy")


@pytest.mark.parametrize("raw", [b"<html>", b'{"resourceType":"OperationOutcome"}', b""])
def test_a_further_page_that_is_no_bundle_is_none(raw: bytes) -> None:
    found = run(Server(bundle(1, following="p=2"), raw))
    assert (ids(found), why(found)) == (["1"], "not-fhir")


def test_a_page_that_leads_back_is_not_read_again() -> None:
    found = run(Server(bundle(1, following="p=2"), bundle(2, following="p=2")))
    assert (ids(found), why(found)) == (["1", "2"], "page-again")


def test_pages_that_bring_nothing_new_end() -> None:
    server = Server(*(bundle(1, following=f"p={number}") for number in range(100)))
    assert why(run(server)) == "page-again"
    assert len(server.asked) <= 5


def test_pages_are_bounded() -> None:
    server = Server(*(bundle(number, following=f"p={number}") for number in range(100)))
    assert why(run(server)) == "too-many-pages"
    assert len(server.asked) == MOST_PAGES


def test_a_list_that_was_begun_goes_on() -> None:
    server = Server(bundle(3))
    found = run(server, begun=bundle(1, 2, following="p=2"))
    assert (ids(found), server.asked) == (["1", "2", "3"], ["?p=2"])


def test_and_is_asked_anew_when_its_next_page_has_expired() -> None:
    server = Server(gone(), bundle(1, 2, 3))
    found = run(server, begun=bundle(1, 2, following="p=2"))
    assert (ids(found), server.asked) == (["1", "2", "3"], ["?p=2", f"/{ALL}"])


def test_what_was_begun_is_not_lost_when_nothing_answers() -> None:
    found = run(Server(gone(), AbsentError(Absence.BUSY, 503)), begun=bundle(1, following="p=2"))
    assert (ids(found), why(found)) == (["1"], "server-busy")


def test_a_search_under_way_says_what_it_has() -> None:
    seen: list[Any] = []

    def ask(url: str) -> bytes:
        if "p=2" in url:
            seen.append(paged.found())
        return bundle(1, following="p=2") if "p=2" not in url else bundle(2)

    paged = Paged(ALL, BASE, ask)
    assert why(paged.found()) == "out-of-time"
    paged.run()
    assert (ids(seen[0]), why(seen[0])) == (["1"], "out-of-time")
    assert why(paged.found()) == ""


def test_a_fault_of_ours_is_one_query(caplog: pytest.LogCaptureFixture) -> None:
    found = run(Server(KeyError("Sentinelmann")))
    assert why(found) == "fault"
    assert "KeyError" in caplog.text
    assert "Sentinelmann" not in caplog.text
