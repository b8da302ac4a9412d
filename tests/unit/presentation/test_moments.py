"""Dates and ages in the words of a card."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cds_service.fhir import dates
from cds_service.presentation import moments
from tests.unit.rulebase.tiny import NOW

# --- dates in words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "date", "age"),
    [
        ("2026-11-22T07:40:00Z", "22 Nov 2026, 07:40", "this morning"),
        ("2026-11-22", "22 Nov 2026", "today"),
        ("2026-11-21T23:59:00Z", "21 Nov 2026, 23:59", "yesterday"),
        ("2026-10-12", "12 Oct 2026", "41 days ago"),
        ("2026-10", "Oct 2026", "in Oct 2026"),
        ("2024", "2024", "in 2024"),
    ],
)
def test_a_date_is_as_precise_as_it_was_written(text: str, date: str, age: str) -> None:
    span = dates.parse(text, UTC)
    assert span is not None

    assert moments.date(span, UTC) == date
    assert moments.age(span, NOW, UTC) == age


def test_of_what_is_only_known_to_have_been_reported_that_is_said() -> None:
    reported = dates.parse("2026-11-22T07:40:00Z", UTC)
    assert reported is not None
    span = dates.no_later_than(reported)

    assert moments.date(span, UTC) == "reported 22 Nov 2026"
    assert moments.age(span, NOW, UTC) == "reported 22 Nov 2026"
    assert moments.day(span, UTC) == "reported 22 Nov 2026"


def test_a_date_is_said_in_the_local_zone() -> None:
    span = dates.parse("2026-11-21T23:30:00Z", UTC)
    assert span is not None
    berlin = timezone(timedelta(hours=1))

    assert moments.date(span, berlin) == "22 Nov 2026, 00:30"
    assert moments.age(span, datetime(2026, 11, 22, 15, tzinfo=UTC), berlin) == "this morning"
