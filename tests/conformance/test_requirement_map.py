"""From a requirement to its tests, and back: docs/reference/conformance.md says what is true."""

from pathlib import Path

import pytest

from scripts import requirements
from scripts.docs import conformance
from scripts.requirements import Proof, Requirement

LISTED = requirements.listed()
PROVED = requirements.proved()
CHECKOUT = Path(__file__).resolve().parents[2]


def one(**members: object) -> dict[str, Requirement]:
    whole = {"id": 1, "verb": "SHALL", "from_": "2.0", "what": "w", "here": "h", **members}
    return {"1": Requirement(**whole)}  # type: ignore[arg-type]


def test_the_list_was_read() -> None:
    assert {str(number) for number in range(1, 71)} <= LISTED.keys()
    assert LISTED["28"].what.startswith("`summary`")
    assert len(
        {number for section in requirements.sections() for number in section.requirements}
    ) == len(LISTED)
    assert {each.verb for each in LISTED.values()} == set(conformance.VERBS)


@pytest.mark.requirement(85)
def test_every_requirement_has_its_tests_or_a_reason() -> None:
    assert list(requirements.gaps(LISTED, PROVED)) == []


@pytest.mark.parametrize(
    ("listed", "tests", "found"),
    [
        (one(), {}, "1 has no test that always runs"),
        (one(), {"1": [Proof("a", "b", only="browser")]}, "1 has no test that always runs"),
        (one(refuses=True), {"1": [Proof("a", "b")]}, "1 has no test of what is refused"),
        (one(not_met="m", not_applicable="a"), {}, "1 is both"),
        (
            one(not_met="m"),
            {"2": [Proof("a", "b")]},
            "a proves 2, which requirements.yaml does not list",
        ),
    ],
)
def test_a_gap_is_said(
    listed: dict[str, Requirement], tests: dict[str, list[Proof]], found: str
) -> None:
    (gap,) = requirements.gaps(listed, tests)
    assert gap.startswith(found)


@pytest.mark.parametrize(
    ("listed", "tests"),
    [
        (one(), {"1": [Proof("a", "b")]}),
        (one(refuses=True), {"1": [Proof("a", "b"), Proof("a", "c", refuses=True)]}),
        (one(not_met="m"), {}),
        (one(not_applicable="a"), {"1": [Proof("a", "b")]}),
    ],
)
def test_where_all_is_said_there_is_no_gap(
    listed: dict[str, Requirement], tests: dict[str, list[Proof]]
) -> None:
    assert list(requirements.gaps(listed, tests)) == []


def test_the_marks_that_are_read_from_the_files_are_those_that_pytest_finds(
    request: pytest.FixtureRequest,
) -> None:
    """Of the tests of this run; the page is written without running pytest."""
    ran: set[tuple[str, str]] = set()
    found: set[tuple[str, str, str]] = set()
    for item in request.session.items:
        assert isinstance(item, pytest.Function)
        where = (item.path.relative_to(CHECKOUT).as_posix(), item.originalname)
        ran.add(where)
        found |= {(str(no), *where) for mark in item.iter_markers("requirement") for no in mark.args}
    read = {
        (number, file, test)
        for number, proofs in PROVED.items()
        for proof in proofs
        for file, test in ran
        if file == proof.file and proof.test in ("", test)
    }
    assert found
    assert read == found
