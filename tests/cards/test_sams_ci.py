"""SAMS-CI against its instrument (Rosenson 2017; reference B 8.4): every answer, both cut-offs, gaps.

The points are those of the published instrument, written down here a second time and not read from
content.
"""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from cds_service import content, fitness
from cds_service.cases import running
from cds_service.cases.running import Case
from cds_service.facts.model import FactSet
from cds_service.rulebase.model import RuleBase

BASE: RuleBase = fitness.load(content.texts(content.folder("cards")))
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DOMAINS: dict[str, dict[str, int]] = {
    "location": {"both-thighs": 3, "both-calves": 2, "both-upper-arms": 2, "not-specific": 1},
    "onset": {"under-4-weeks": 3, "4-to-12-weeks": 2, "over-12-weeks": 1},
    "after-stopping": {"under-2-weeks": 2, "2-to-4-weeks": 1, "not-by-4-weeks": 0},
    "rechallenge": {"under-4-weeks": 3, "4-to-12-weeks": 1, "over-12-weeks-or-not": 0},
}
BANDS = ("probable", "possible", "unlikely")
EVERY = list(product(*(answers for answers in DOMAINS.values())))


def facts(regimen: str = "sams", **given: str) -> FactSet:
    """The facts of somebody who answered these questions about one regimen."""
    return read({f"{regimen}-{name.replace('_', '-')}": answer for name, answer in given.items()})


def read(answers: dict[str, str], at: str = "-5d") -> FactSet:
    record: dict[str, Any] = {
        "observations": [
            {"code": f"local {code}", "answer": answer, "at": at} for code, answer in answers.items()
        ]
    }
    case = Case(
        name="sams",
        rule="m02-statin-ck-result",
        place="",
        proves="fires",
        hook="patient-view",
        now=NOW,
        given={"record": record},
        expect={},
    )
    return running.posed(case, BASE, None)[1]


def points(found: FactSet, regimen: str = "sams") -> str:
    return found.fact(f"{regimen}-possible").points


def bands(found: FactSet, regimen: str = "sams") -> tuple[bool | None, ...]:
    return tuple(found.fact(f"{regimen}-{band}").value for band in BANDS)


@pytest.mark.parametrize("regimen", ["sams", "sams-second"])
@pytest.mark.parametrize("answers", EVERY, ids="/".join)
def test_every_combination_of_answers_has_the_points_of_the_instrument(
    answers: tuple[str, ...], regimen: str
) -> None:
    total = sum(table[one] for table, one in zip(DOMAINS.values(), answers, strict=True))
    found = read({f"{regimen}-{domain}": one for domain, one in zip(DOMAINS, answers, strict=True)})

    assert points(found, regimen) == str(total)
    assert bands(found, regimen) == (total >= 9, total >= 7, total <= 6)


@pytest.mark.parametrize(
    ("answers", "expected", "in_bands"),
    [
        # 6 and 7, 8 and 9: both sides of both cut-offs
        (("both-thighs", "over-12-weeks", "under-2-weeks", "over-12-weeks-or-not"), "6", "unlikely"),
        (("both-thighs", "4-to-12-weeks", "under-2-weeks", "over-12-weeks-or-not"), "7", "possible"),
        (("both-thighs", "4-to-12-weeks", "under-2-weeks", "4-to-12-weeks"), "8", "possible"),
        (("both-thighs", "under-4-weeks", "under-2-weeks", "4-to-12-weeks"), "9", "probable"),
        (("not-specific", "over-12-weeks", "not-by-4-weeks", "over-12-weeks-or-not"), "2", "unlikely"),
        (("both-thighs", "under-4-weeks", "under-2-weeks", "under-4-weeks"), "11", "probable"),
    ],
)
def test_both_cut_offs(answers: tuple[str, ...], expected: str, in_bands: str) -> None:
    found = read({f"sams-{domain}": one for domain, one in zip(DOMAINS, answers, strict=True)})

    assert points(found) == expected
    assert (
        bands(found)
        == {
            "probable": (True, True, False),
            "possible": (False, True, False),
            "unlikely": (False, False, True),
        }[in_bands]
    )


@pytest.mark.parametrize(
    ("given", "expected", "held"),
    [
        # stopping (0 to 2) and trying again (0 to 3) are not done yet: the usual state
        ({"location": "both-thighs", "onset": "under-4-weeks"}, "6 to 11", (None, None, None)),
        ({"location": "not-specific", "onset": "over-12-weeks"}, "2 to 7", (False, None, None)),
        ({"location": "both-calves", "onset": "over-12-weeks"}, "3 to 8", (False, None, None)),
        (
            {"location": "both-thighs", "onset": "under-4-weeks", "after_stopping": "2-to-4-weeks"},
            "7 to 10",
            (None, True, False),
        ),
        (
            {
                "location": "not-specific",
                "onset": "over-12-weeks",
                "after_stopping": "not-by-4-weeks",
            },
            "2 to 5",
            (False, False, True),
        ),
        # one question alone: the other of A and B is from 1 to 3
        ({"location": "both-thighs"}, "4 to 11", (None, None, None)),
        ({"onset": "over-12-weeks"}, "2 to 9", (None, None, None)),
        ({"after_stopping": "under-2-weeks"}, "4 to 11", (None, None, None)),
        ({"rechallenge": "over-12-weeks-or-not"}, "2 to 8", (False, None, None)),
    ],
)
def test_what_is_not_answered_widens_the_score(
    given: dict[str, str], expected: str, held: tuple[bool | None, ...]
) -> None:
    found = facts(**given)

    assert points(found) == expected
    assert bands(found) == held


def test_nothing_asked_is_no_score() -> None:
    found = read({})

    assert points(found) == ""
    assert bands(found) == (None, None, None)


def test_each_regimen_is_scored_apart() -> None:
    found = read({"sams-location": "both-thighs", "sams-second-location": "not-specific"})

    assert points(found) == "4 to 11"
    assert points(found, "sams-second") == "2 to 9"


def test_answers_count_for_a_year() -> None:
    young = read({"sams-location": "both-thighs"}, at="-365d")
    old = read({"sams-location": "both-thighs"}, at="-366d")

    assert (points(young), young.fact("sams-begun").value) == ("4 to 11", True)
    assert (bands(old), old.fact("sams-begun").value) == ((None, None, None), None)


def test_an_answer_that_the_instrument_does_not_have_begins_nothing() -> None:
    found = read({"sams-location": "elbow"})

    assert (bands(found), found.fact("sams-begun").value) == ((None, None, None), None)
