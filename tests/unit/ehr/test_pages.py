"""Where a next page is, what a page holds, and several of them as one Bundle."""

import json
from typing import Any

import pytest

from cds_service.ehr import pages
from cds_service.ehr.absent import AbsentError
from cds_service.fhir.absence import Absence

BASE = "https://fhir.example.org/R4"
HERE = f"{BASE}/Condition?patient=1"
BELOW = [
    (f"{BASE}?_getpages=a&_getpagesoffset=20", f"{BASE}?_getpages=a&_getpagesoffset=20"),
    (f"{BASE}/Condition?page=2", f"{BASE}/Condition?page=2"),
    ("http://fhir.example.org/R4?p=2", f"{BASE}?p=2"),
    ("https://fhir.example.org:443/R4?p=2", f"{BASE}?p=2"),
    ("http://10.0.0.1:8080/R4?p=2", f"{BASE}?p=2"),
    ("https://evil.example/R4/Condition?p=2", f"{BASE}/Condition?p=2"),
    ("https://user:pw@evil.example/R4?p=2", f"{BASE}?p=2"),
    ("?p=2", f"{BASE}/Condition?p=2"),
    ("/R4?p=2", f"{BASE}?p=2"),
    ("Condition?p=2", f"{BASE}/Condition?p=2"),
    ("//evil.example/R4?p=2", f"{BASE}?p=2"),
    (f"{BASE}?p=a%2Fb|c", f"{BASE}?p=a%2Fb|c"),
    (f"{BASE}?p=2#part", f"{BASE}?p=2"),
]
ELSEWHERE = [
    "https://fhir.example.org/other?p=2",
    "https://fhir.example.org/R4x?p=2",
    "https://fhir.example.org/?p=2",
    "https://fhir.example.org/R4/../admin",
    "https://fhir.example.org/R4/%2e%2e/admin",
    "https://fhir.example.org/R4/%2E%2E%2Fadmin",
    "https://fhir.example.org/R4\\..\\admin",
    "https://fhir.example.org/R4//evil.example",
    "../../admin",
    "file:///R4/etc/passwd",
    "ftp://fhir.example.org/R4?p=2",
    "https://[::1/R4",
]


@pytest.mark.requirement(23)
@pytest.mark.parametrize(("link", "there"), BELOW)
def test_path_and_query_of_next_are_put_on_the_base_that_was_asked(link: str, there: str) -> None:
    assert pages.address(link, HERE, BASE) == there


@pytest.mark.requirement(23)
@pytest.mark.parametrize("link", ELSEWHERE)
def test_a_next_that_is_not_below_the_base_is_not_followed(link: str) -> None:
    with pytest.raises(AbsentError) as failed:
        pages.address(link, HERE, BASE)
    assert failed.value.why is Absence.PAGE_ELSEWHERE


def entry(number: int, mode: str | None = "match") -> dict[str, Any]:
    search = {"search": {"mode": mode}} if mode else {}
    return {"fullUrl": f"{BASE}/Condition/{number}", "resource": {"id": str(number)}, **search}


def page(*entries: Any, **more: Any) -> pages.Page:
    return pages.read(json.dumps({"resourceType": "Bundle", "entry": entries, **more}).encode())


def test_include_and_outcome_are_no_matches() -> None:
    found = page(entry(1), entry(2, None), entry(3, "include"), entry(4, "outcome"))
    assert [one[-1] for one in found.matches] == ["1", "2"]
    assert len(found.entries) == 4


@pytest.mark.parametrize(
    "total", [None, 0, 7, "many", {"a": 1}], ids=["null", "zero", "seven", "text", "object"]
)
def test_a_total_of_any_shape_keeps_no_page_from_being_read(total: Any) -> None:
    found = page(entry(1), total=total, link=[{"relation": "next", "url": "?p=2"}])
    assert (len(found.matches), found.next) == (1, "?p=2")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"<html>", b'{"resourceType":"Patient"}'])
def test_what_is_no_bundle_is_one_page_without_entries(raw: bytes) -> None:
    found = pages.read(raw)
    assert (found.is_bundle, found.next, found.entries, found.raw) == (False, "", (), raw)


def test_an_entry_that_stands_on_two_pages_is_kept_once() -> None:
    made = json.loads(pages.together([page(entry(1), entry(2), total=3), page(entry(2), entry(3))]))
    assert [one["resource"]["id"] for one in made["entry"]] == ["1", "2", "3"]
    assert (made["resourceType"], made["total"]) == ("Bundle", 3)


def test_entries_without_an_address_are_all_kept() -> None:
    bare = {"resource": {"id": "x"}}
    made = json.loads(pages.together([page(bare, bare), page(bare)]))
    assert len(made["entry"]) == 3
    assert "total" not in made
