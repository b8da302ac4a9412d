"""Two values that may be taken together: of one sample, or of nearly one time."""

from collections.abc import Iterable
from datetime import timedelta

from cds_service.facts.statements import Statement
from cds_service.facts.values import Value, newest
from cds_service.rulebase.definitions import Threshold

_SPAN = {"h": "hours", "min": "minutes"}


def same_sample(one: Statement, other: Statement) -> bool:
    """Whether two results are of one sample: one Observation, one Specimen, else the very same time."""
    if one.ref == other.ref:
        return True
    if one.specimen and other.specimen:
        return one.specimen == other.specimen
    return (
        one.when is not None
        and other.when is not None
        and (one.when.start, one.when.end) == (other.when.start, other.when.end)
    )


def apart(one: Statement, other: Statement) -> timedelta | None:
    """How far apart two results are at most; None where a date cannot tell.

    A date without a clock time may be any time of that day: 00:00 of one and 24:00 of the other. One
    Observation and one Specimen are one time, whatever their dates.
    """
    if one.ref == other.ref or (one.specimen and one.specimen == other.specimen):
        return timedelta(0)
    if one.when is None or other.when is None:
        return None
    return max(one.when.end - other.when.start, other.when.end - one.when.start)


def nearest(to: Value, among: Iterable[Value], window: Threshold) -> list[Value]:
    """The usable value nearest in time, inside a window of hours or minutes.

    Of several as near the newest, with every other of the very same time; empty where there is none. A
    value that cannot be read, or of a sample that cannot be trusted, is none.
    """
    size = length(window)
    found = [
        (gap, one)
        for one in among
        if one.interval is not None
        and not one.statement.suspect
        and (gap := apart(to.statement, one.statement)) is not None
        and gap <= size
    ]
    least = min((gap for gap, _ in found), default=None)
    return newest([one for gap, one in found if gap == least])


def of_same_sample(to: Value, among: Iterable[Value]) -> Value | None:
    """The usable value of the same sample; of several the one reported last."""
    return next(
        (
            one
            for one in among
            if one.interval is not None
            and not one.statement.suspect
            and same_sample(to.statement, one.statement)
        ),
        None,
    )


def length(window: Threshold) -> timedelta:
    """How long a window of hours or minutes is."""
    return timedelta(**{_SPAN[window.unit]: float(window.single())})
