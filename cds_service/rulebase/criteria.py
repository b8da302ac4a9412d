"""The rule language: `all`, `any`, `none`, `unless` over named facts, in three values.

Truth is `True`, `False` or `None` for unknown; `all` and `any` follow Kleene. `none` is strict:
unknown stays unknown (for guards). `unless` means "not recorded": unknown counts as absent (to
quieten advice). See ARCHITECTURE section 4; the same four words mean the same in rules, group facts,
conditional suggestions and gates.

A fact may be true for what it speaks for and yet not settle what it speaks against (what only the words
of an entry say). So each function below takes two answers per fact: `value_of`, and `sure_of` for
what stands under `none` or `unless`. Under two of them it speaks for again, and `value_of` answers.
Without `sure_of` both are the same.
"""

from collections.abc import Callable, Iterator

import msgspec

Truth = bool | None
ValueOf = Callable[[str], Truth]


class Is(msgspec.Struct, frozen=True, tag="is"):
    """The named fact is true."""

    fact: str


class All(msgspec.Struct, frozen=True, tag="all"):
    """Every criterion holds."""

    of: tuple["Criterion", ...]


class Any_(msgspec.Struct, frozen=True, tag="any"):  # noqa: N801 - `Any` is typing's
    """At least one criterion holds."""

    of: tuple["Criterion", ...]


class NoneOf(msgspec.Struct, frozen=True, tag="none"):
    """No criterion holds, and all are known not to."""

    of: tuple["Criterion", ...]


class Unless(msgspec.Struct, frozen=True, tag="unless"):
    """No criterion is recorded to hold; what is unknown counts as absent."""

    of: tuple["Criterion", ...]


Criterion = Is | All | Any_ | NoneOf | Unless


def truth(criterion: Criterion, value_of: ValueOf, sure_of: ValueOf | None = None) -> Truth:
    """What `criterion` amounts to when these answer for each fact; asks no more than needed."""
    sure_of = sure_of or value_of
    match criterion:
        case Is(fact=fact):
            return value_of(fact)
        case All(of=parts):
            return _all(parts, value_of, sure_of)
        case Any_(of=parts):
            return _any(parts, value_of, sure_of)
        case NoneOf(of=parts):
            held = _any(parts, sure_of, value_of)
            return None if held is None else not held
        case Unless(of=parts):
            return _any(parts, sure_of, value_of) is not True


def _all(parts: tuple[Criterion, ...], value_of: ValueOf, sure_of: ValueOf) -> Truth:
    answer: Truth = True
    for part in parts:
        value = value_of(part.fact) if isinstance(part, Is) else truth(part, value_of, sure_of)
        if value is False:
            return False
        if value is None:
            answer = None
    return answer


def _any(parts: tuple[Criterion, ...], value_of: ValueOf, sure_of: ValueOf) -> Truth:
    answer: Truth = False
    for part in parts:
        value = value_of(part.fact) if isinstance(part, Is) else truth(part, value_of, sure_of)
        if value is True:
            return True
        if value is None:
            answer = None
    return answer


def facts_in(criterion: Criterion) -> Iterator[str]:
    """Every fact a criterion names, in the order of reading, repeats included."""
    if isinstance(criterion, Is):
        yield criterion.fact
    else:
        for part in criterion.of:
            yield from facts_in(part)


def supporting(criterion: Criterion, value_of: ValueOf, sure_of: ValueOf | None = None) -> Iterator[str]:
    """The true facts that a true criterion rests on; what `none` and `unless` rule out is not one.

    Of `unless: [unless: [x]]`, which reads "x is on record", it is x.
    """
    match criterion:
        case Is(fact=fact):
            if value_of(fact) is True:
                yield fact
        case All(of=parts):
            for part in parts:
                yield from supporting(part, value_of, sure_of)
        case Any_(of=parts):
            for part in parts:
                if truth(part, value_of, sure_of) is True:
                    yield from supporting(part, value_of, sure_of)
        case Unless(of=parts):
            for part in parts:
                if isinstance(part, Unless):
                    yield from supporting(Any_(part.of), value_of, sure_of)
        case NoneOf():
            return


def open_facts(criterion: Criterion, value_of: ValueOf, sure_of: ValueOf | None = None) -> Iterator[str]:
    """The unknown facts that could still flip an unknown criterion.

    A fact inside a part that is already decided can change nothing; one under `unless` can (it would
    silence), but only once the rest holds.
    """
    sure_of = sure_of or value_of
    match criterion:
        case Is(fact=fact):
            if value_of(fact) is None:
                yield fact
        case Unless(of=parts):
            if truth(criterion, value_of, sure_of) is True:
                yield from _open_in(parts, sure_of, value_of)
        case NoneOf(of=parts):
            if truth(criterion, value_of, sure_of) is None:
                yield from _open_in(parts, sure_of, value_of)
        case All(of=parts) | Any_(of=parts):
            if truth(criterion, value_of, sure_of) is None:
                yield from _open_in(parts, value_of, sure_of)


def _open_in(parts: tuple[Criterion, ...], value_of: ValueOf, sure_of: ValueOf) -> Iterator[str]:
    for part in parts:
        if not isinstance(part, Is):
            yield from open_facts(part, value_of, sure_of)
        elif value_of(part.fact) is None:
            yield part.fact
