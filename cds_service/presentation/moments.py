"""Dates for the eye: absolute, with the age in words where it matters (docs/card-style.md 4)."""

from datetime import datetime, tzinfo

from cds_service.fhir.dates import Span, age_in_days, is_bound

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NOON = 12
_DAY_FORM, _MONTH_FORM = 10, 7


def date(span: Span, zone: tzinfo) -> str:
    """`22 Nov 2026, 07:40`, `22 Nov 2026`, `Nov 2026` or `2026`: as precise as it was written.

    `reported 22 Nov 2026` where no more is known.
    """
    if is_bound(span):
        end = span.end.astimezone(zone)
        return f"reported {end.day} {_MONTHS[end.month - 1]} {end.year}"
    start = span.start.astimezone(zone)
    day = f"{start.day} {_MONTHS[start.month - 1]} {start.year}"
    if span.precise:
        return f"{day}, {start:%H:%M}"
    if span.text.startswith("age"):
        return f"about {start.year}"
    if len(span.text) >= _DAY_FORM:
        return day
    if len(span.text) >= _MONTH_FORM:
        return f"{_MONTHS[start.month - 1]} {start.year}"
    return str(start.year)


def day(span: Span, zone: tzinfo) -> str:
    """`22 Nov 2026`, without the time of day."""
    return date(span, zone).split(",", 1)[0]


def age(span: Span, now: datetime, zone: tzinfo) -> str:
    """How long ago: `this morning`, `today`, `yesterday`, `41 days ago`."""
    if is_bound(span):
        return date(span, zone)
    youngest, eldest = age_in_days(span, now, zone)
    if youngest != eldest:
        return f"in {date(span, zone)}"
    if youngest == 0:
        local = span.start.astimezone(zone)
        return "this morning" if span.precise and local.hour < _NOON else "today"
    return "yesterday" if youngest == 1 else f"{youngest} days ago"
