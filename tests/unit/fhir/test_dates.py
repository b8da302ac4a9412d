"""FHIR dates keep their precision: a partial date is an interval, never a guess."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.dates import Span, age_in_days, age_in_years, is_future, parse

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def span(text: str, zone: tzinfo = UTC) -> Span:
    found = parse(text, zone)
    assert found is not None, text
    return found


def edges(text: str, zone: tzinfo = UTC) -> tuple[str, str]:
    found = span(text, zone)
    return found.start.isoformat(), found.end.isoformat()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", "2026-01-01T00:00:00", "2026-12-31T23:59:59.999999"),
        ("2026-02", "2026-02-01T00:00:00", "2026-02-28T23:59:59.999999"),
        ("2024-02", "2024-02-01T00:00:00", "2024-02-29T23:59:59.999999"),
        ("2026-12", "2026-12-01T00:00:00", "2026-12-31T23:59:59.999999"),
        ("2026-11-22", "2026-11-22T00:00:00", "2026-11-22T23:59:59.999999"),
    ],
)
def test_a_partial_date_is_an_interval(text: str, start: str, end: str) -> None:
    assert edges(text) == (start + "+00:00", end + "+00:00")
    assert span(text).precise is False
    assert span(text).text == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T07:40:00Z", "2026-11-22T07:40:00+00:00"),
        ("2026-11-22T07:40Z", "2026-11-22T07:40:00+00:00"),  # seconds missing
        ("2026-11-22T07:40", "2026-11-22T06:40:00+00:00"),  # no zone: the declared one
        ("2026-11-22T07:40:00+05:30", "2026-11-22T02:10:00+00:00"),
        ("2026-11-22T23:40:00-08:00", "2026-11-23T07:40:00+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),  # a leap second
        ("2026-11-22T07:40:00.123456789Z", "2026-11-22T07:40:00.123456+00:00"),
        ("2026-11-22T07:40:00.5Z", "2026-11-22T07:40:00.500000+00:00"),
    ],
)
def test_a_moment_is_a_moment(text: str, moment: str) -> None:
    assert edges(text, BERLIN) == (moment, moment)
    assert span(text, BERLIN).precise is True


def test_a_day_is_a_day_of_the_declared_zone() -> None:
    assert edges("2026-11-22", BERLIN) == (
        "2026-11-21T23:00:00+00:00",
        "2026-11-22T22:59:59.999999+00:00",
    )


def test_a_day_may_have_23_or_25_hours() -> None:
    for text, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        day = span(text, BERLIN)

        assert day.end - day.start + timedelta(microseconds=1) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026-13",
        "2026-00-10",
        "2026-02-29",
        "2026-11-31",
        "26-11-22",
        "2026-1-2",
        "20261122",
        "2026-11-22T25:00:00Z",
        "2026-11-22T07:61:00Z",
        "2026-11-22T07",
        "2026-11-22 07:40",
        "2026-11-22T07:40:00+25:00",
        "2026-11-22T07:40:00Z and more",
        " 2026-11-22",
        "0000",
        "9999",
        "2026-11-22\n",
        "\u0662\u0660\u0662\u0666",  # digits, but not FHIR's
        "2" * 1_000_000,
    ],
)
def test_what_is_no_date_is_unreadable(text: str | None) -> None:
    assert parse(text, UTC) is None


@given(st.text(max_size=45))
def test_no_text_raises(text: str) -> None:
    parse(text, BERLIN)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "0001-01-01", "9998-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("hours", [-12, 0, 14])
def test_a_date_that_was_read_can_be_reckoned_with_in_any_zone(text: str, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    found = parse(text, zone)

    if found is not None:
        age_in_days(found, NOW, zone)


# --- future ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "future"),
    [
        ("2026-11-22T09:05:00Z", False),
        ("2026-11-22T09:05:01Z", True),
        ("2026-11-22", False),
        ("2026-11-23", True),
        ("2026-11", False),
        ("2026-12", True),
        ("2026", False),
        ("2027", True),
    ],
)
def test_only_what_lies_wholly_ahead_is_future_and_clocks_may_differ_by_five_minutes(
    text: str, future: bool
) -> None:
    assert is_future(span(text), NOW) is future


def test_tomorrow_there_may_be_today_here() -> None:
    auckland = ZoneInfo("Pacific/Auckland")
    evening = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)  # the 23rd in Auckland

    assert is_future(span("2026-11-23", UTC), evening) is True
    assert is_future(span("2026-11-23", auckland), evening) is False


# --- ages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-11-22", (0, 0)),
        ("2026-11-22T08:59:00Z", (0, 0)),
        ("2026-11-22T09:03:00Z", (0, 0)),
        ("2026-11-21T23:59:59Z", (1, 1)),
        ("2026-11-12", (10, 10)),
        ("2026-11", (0, 21)),
        ("2026-10", (22, 52)),
    ],
)
def test_an_age_is_in_whole_calendar_days(text: str, days: tuple[int, int]) -> None:
    assert age_in_days(span(text), NOW, UTC) == days


def test_the_calendar_is_the_local_one() -> None:
    late = span("2026-11-21T23:30:00Z")

    assert age_in_days(late, NOW, UTC) == (1, 1)
    assert age_in_days(late, NOW, BERLIN) == (0, 0)


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        ("1966-11-22", "2026-11-22", (60, 60)),
        ("1966-11-23", "2026-11-22", (59, 59)),
        ("2008-02-29", "2026-02-28", (17, 17)),
        ("2008-02-29", "2026-03-01", (18, 18)),
        ("2008-02-29", "2028-02-29", (20, 20)),
        ("1966", "2026-11-22", (59, 60)),
        ("1966", "2026-12-31", (60, 60)),
        ("1966-11", "2026-11-22", (59, 60)),
        ("1966-10", "2026-11-22", (60, 60)),
        ("2026-11-22", "2026-11-22", (0, 0)),
    ],
)
def test_years_are_completed_and_a_leap_day_is_kept_on_the_first_of_march(
    born: str, today: str, years: tuple[int, int]
) -> None:
    noon = datetime.fromisoformat(f"{today}T12:00:00+00:00")

    assert age_in_years(span(born), noon, UTC) == years
