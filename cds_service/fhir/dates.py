"""FHIR dates with their precision kept: a partial date is an interval, never a guess.

FHIR R4 `date`, `dateTime`, `instant`: https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

import msgspec

FUTURE_TOLERANCE = timedelta(minutes=5)  # reconciliation, "Future time": clocks differ a little
_MOMENT = timedelta(microseconds=1)
_FORM = re.compile(  # year, month, day, seconds, offset
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:T\d\d:\d\d(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_DECEMBER = 12
_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)  # before every birth; within reckoning in every zone
REPORTED = "reported "  # before the text of a date that only bounds another one


class Span(msgspec.Struct, frozen=True, gc=False):
    """The time a FHIR date may mean: from `start` to `end`, both inside, both aware.

    `precise` is true when the date had a clock time; `text` is the date as it was written, or our own
    words for one that was not: `age 52`, `reported 2026-11-22`.
    """

    start: datetime
    end: datetime
    precise: bool
    text: str


def parse(text: str | None, zone: tzinfo) -> Span | None:
    """Read a FHIR date, dateTime or instant; None when it is not one.

    A date without a zone is taken in `zone`. Seconds may be missing and `:60` is accepted, because
    real feeds send both.
    """
    form = _FORM.fullmatch(text) if text and len(text) <= 40 else None  # noqa: PLR2004
    if form is None or text is None:
        return None
    # The smallest and the largest date that software has: "none", and beyond reckoning in some zone.
    if form[1] in ("0001", "9999"):
        return None
    try:
        if "T" in text:
            return _with_clock(text, form[4], form[5], zone)
        return _without_clock(form, text, zone)
    except (ValueError, OverflowError):
        return None


def _with_clock(text: str, seconds: str | None, offset: str | None, zone: tzinfo) -> Span:
    # A leap second is the last moment of its minute.
    written = f"{text[:17]}59{text[19:]}" if seconds == "60" else text
    moment = datetime.fromisoformat(written)
    if offset is None:
        moment = moment.replace(tzinfo=zone)
    moment = moment.astimezone(UTC)
    return Span(moment, moment, precise=True, text=text)


def _without_clock(form: re.Match[str], text: str, zone: tzinfo) -> Span:
    year, month, day = int(form[1]), int(form[2] or 1), int(form[3] or 1)
    start = datetime(year, month, day, tzinfo=zone)
    if form[3]:
        after = start + timedelta(days=1)
    elif form[2]:
        after = start.replace(year=year + month // _DECEMBER, month=month % _DECEMBER + 1)
    else:
        after = start.replace(year=year + 1)
    return Span(start.astimezone(UTC), (after - _MOMENT).astimezone(UTC), precise=False, text=text)


def no_later_than(reported: Span) -> Span:
    """The time of what is known only to have been before it was reported: any time until then."""
    return Span(_LONG_AGO, reported.end, precise=False, text=f"{REPORTED}{reported.text}")


def is_bound(span: Span) -> bool:
    """Whether only a bound of a time is known (`no_later_than`)."""
    return span.text.startswith(REPORTED)


def is_future(span: Span, now: datetime) -> bool:
    """Whether even the earliest reading of `span` lies beyond `now` and a clock's tolerance."""
    return span.start > now + FUTURE_TOLERANCE


def age_in_days(span: Span, now: datetime, zone: tzinfo) -> tuple[int, int]:
    """The least and the greatest age of `span` in whole local calendar days, none below 0."""
    today = now.astimezone(zone).date()
    youngest = (today - span.end.astimezone(zone).date()).days
    oldest = (today - span.start.astimezone(zone).date()).days
    return max(youngest, 0), max(oldest, 0)


def age_in_years(birth: Span, now: datetime, zone: tzinfo) -> tuple[int, int]:
    """The least and the greatest age in completed years.

    A birthday on 29 February is kept on 1 March in other years (reconciliation, "Age").
    """
    today = now.astimezone(zone).date()
    return (
        _whole_years(birth.end.astimezone(zone).date(), today),
        _whole_years(birth.start.astimezone(zone).date(), today),
    )


def years_between(birth: Span, then: Span, zone: tzinfo) -> tuple[int, int]:
    """The least and the greatest age in completed years at another time; negative before the birth."""
    return (
        _whole_years(birth.end.astimezone(zone).date(), then.start.astimezone(zone).date()),
        _whole_years(birth.start.astimezone(zone).date(), then.end.astimezone(zone).date()),
    )


def at_age(birth: Span, years: int, zone: tzinfo) -> Span:
    """The time from one birthday to the day before the next, as a date that is only an age says it."""
    first = _birthday(birth.start.astimezone(zone), years)
    after = _birthday(birth.end.astimezone(zone), years + 1)
    return Span(
        first.astimezone(UTC), (after - _MOMENT).astimezone(UTC), precise=False, text=f"age {years}"
    )


def _birthday(born: datetime, years: int) -> datetime:
    midnight = born.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return midnight.replace(year=born.year + years)
    except ValueError:  # 29 February, kept on 1 March in other years
        return midnight.replace(year=born.year + years, month=3, day=1)


def _whole_years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
