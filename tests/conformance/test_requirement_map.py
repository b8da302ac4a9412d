"""From a requirement to its test, and back: `make requirements` prints the map."""

import pytest

from scripts import requirements

LISTED = requirements.listed()
PROVED = requirements.proved()
# Requirements that no test of ours can prove, beyond those that the page calls "not built".
UNTESTED = {
    "59": "about a proxy in front of the service",
    "63": "documents; read by people",
    "67": "about what clients do; no updates are emitted",
    "82": "about the client's FHIR server",
    "84": "a suite by others, which was not run",
    "85": "says that these tests are needed",
    "96": "about what a site sets up in its EHR",
}


def test_the_page_was_read() -> None:
    assert len(LISTED) > 80
    assert LISTED["28"][0].startswith("`summary`")
    assert any("test_responses.py::" in test for test in PROVED["28"])


@pytest.mark.parametrize("number", sorted(PROVED))
def test_a_test_names_a_requirement_that_is_listed(number: str) -> None:
    assert number in LISTED, (
        f"{PROVED[number]} prove {number}, which {requirements.PAGE.name} does not list"
    )


@pytest.mark.parametrize("number", LISTED)
def test_what_is_built_has_a_test(number: str) -> None:
    if number in UNTESTED or "not built" in LISTED[number][1]:
        return
    assert number in PROVED, f"mark the test of requirement {number}: {LISTED[number][0]}"


def test_nothing_is_called_untested_that_has_a_test() -> None:
    assert sorted(UNTESTED.keys() & PROVED.keys()) == []
    assert UNTESTED.keys() <= LISTED.keys()
