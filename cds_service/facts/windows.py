"""Is it recent enough? Windows in whole local calendar days, or in hours.

For danger a value of day precision is recent if any part of it is; for reassurance only if the whole
is (reconciliation, "Partial dates, edges").
"""

from datetime import datetime, timedelta, tzinfo

from cds_service.fhir.dates import Span, age_in_days, is_future
from cds_service.rulebase.definitions import Threshold


def within(span: Span, window: Threshold, now: datetime, zone: tzinfo, *, whole: bool) -> bool:
    """Whether `span` lies inside `window`, day N included; `whole`: all of it must."""
    size = int(window.single())
    if window.unit == "h":
        oldest = now - timedelta(hours=size)
        return (span.start if whole else span.end) >= oldest
    youngest, eldest = age_in_days(span, now, zone)
    return (eldest if whole else youngest) <= size


def usable(span: Span | None, now: datetime) -> bool:
    """Whether a date is there and not in the future."""
    return span is not None and not is_future(span, now)
