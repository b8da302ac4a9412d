"""docs/fetching.md says what the tests have tried, and names every reason there is."""

import re

import pytest

from cds_service.fhir.absence import MEANINGS, Absence
from tests.conftest import CHECKOUT
from tests.ehr_client.test_faults import FAULTS, HABITS

PAGE = (CHECKOUT / "docs" / "fetching.md").read_text("utf-8")
TRIED = PAGE.split("## What a server may do")[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TRIED.splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| the server"))
]
EXPECTED = {name: (case.reason, case.warns) for name, case in HABITS.items()} | {
    name: (fault.reason, not fault.reason) for name, fault in FAULTS.items()
}


def test_every_fault_that_is_tried_has_a_line_and_no_other() -> None:
    assert [row[0] for row in ROWS] == list(EXPECTED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_line_says_what_its_test_expects(row: list[str]) -> None:
    reason, warns = EXPECTED[row[0]]
    assert row[1].startswith(f"`{reason}`" if reason else "read")
    assert row[2] == ("yes" if warns else "no")


def test_every_reason_of_fetching_is_explained() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \|", PAGE.split("## What a server may do")[0], re.MULTILINE)
    assert sorted(told) == sorted([Absence.NOT_DELIVERED, *MEANINGS])
