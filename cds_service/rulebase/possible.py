"""What criteria can amount to, whatever the facts are: a search over all values of the facts they name.

Facts are taken as free: that a potassium below 2.5 is below 3.0 as well is not known here. So what is
found impossible is impossible, and what is found possible may still be ruled out by the facts' meaning.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeGuard

from cds_service.rulebase.criteria import All, Any_, Criterion, Is, NoneOf, Truth, Unless

Values = tuple[Truth, ...]
# What is left of a criterion when some facts are known: a value, or the criterion over the others.
Residue = Criterion | bool | None
_BUDGET = 20_000  # states looked at; beyond that nothing is claimed
_VALUES: Values = (None, False, True)  # the last is looked at first: most is told apart by what holds
_OPEN = (Is, All, Any_, NoneOf, Unless)
_UNKNOWN = Is("")  # a part that is known to be unknown, among parts that are still open


def _never(_: tuple[Residue, ...]) -> bool:
    return False


def possible(
    criteria: tuple[Criterion, ...],
    wanted: Callable[[Values], bool],
    hopeless: Callable[[tuple[Residue, ...]], bool] = _never,
) -> bool:
    """Whether some values of the facts give the criteria values that are wanted; True when in doubt.

    `hopeless` says of criteria of which a part is known that none of the rest can give what is wanted.
    """
    seen: set[tuple[Residue, ...]] = set()
    waiting: list[tuple[Residue, ...]] = [criteria]
    while waiting:
        state = waiting.pop()
        if state in seen or hopeless(state):
            continue
        seen.add(state)
        fact = next(_open(state), None)
        if fact is None:
            if wanted(tuple(one for one in state if _settled(one))):
                return True
        elif len(seen) > _BUDGET:
            return True
        else:
            waiting.extend(tuple(_with(one, fact, value) for one in state) for value in _VALUES)
    return False


def example(criterion: Criterion) -> dict[str, Truth] | None:
    """Values of facts that make a criterion true, the others being unknown; None when none was found."""
    waiting: list[tuple[Residue, dict[str, Truth]]] = [(criterion, {})]
    for _ in range(_BUDGET):
        if not waiting:
            break
        residue, facts = waiting.pop()
        if residue is True:
            return facts
        fact = next(_open((residue,)), None)
        if fact is not None:
            waiting.extend((_with(residue, fact, one), {**facts, fact: one}) for one in _VALUES)
    return None


def value_with(criterion: Criterion, facts: Mapping[str, Truth]) -> Truth:
    """What a criterion comes to with these facts, the others being unknown."""
    left: Residue = criterion
    while (fact := next(_open((left,)), None)) is not None:
        left = _with(left, fact, facts.get(fact))
    return left if _settled(left) else None


def _settled(residue: Residue) -> TypeGuard[Truth]:
    return residue is None or isinstance(residue, bool)


def _open(state: tuple[Residue, ...]) -> Iterator[str]:
    for one in state:
        if isinstance(one, Is):
            if one is not _UNKNOWN:
                yield one.fact
        elif isinstance(one, All | Any_ | NoneOf | Unless):
            yield from _open(one.of)


def _with(residue: Residue, fact: str, value: Truth) -> Residue:
    match residue:
        case Is():
            return value if residue.fact == fact else residue
        case All():
            return _joined([_with(part, fact, value) for part in residue.of], All, decides=False)
        case Any_():
            return _joined([_with(part, fact, value) for part in residue.of], Any_, decides=True)
        case NoneOf():
            return _none([_with(part, fact, value) for part in residue.of])
        case Unless():
            return _unless([_with(part, fact, value) for part in residue.of])
        case _:
            return residue


def _joined(parts: Sequence[Residue], word: type[All | Any_], *, decides: bool) -> Residue:
    """`all` is decided by one False, `any` by one True; the other of the two changes nothing."""
    if any(part is decides for part in parts):
        return decides
    unknown = any(part is None or part is _UNKNOWN for part in parts)
    rest = tuple(part for part in parts if isinstance(part, _OPEN) and part is not _UNKNOWN)
    if not rest:
        return None if unknown else not decides
    if len(rest) == 1 and not unknown:
        return rest[0]
    return word((*rest, _UNKNOWN) if unknown else rest)


def _none(parts: Sequence[Residue]) -> Residue:
    held = _joined(parts, Any_, decides=True)
    if held is None or isinstance(held, bool):
        return None if held is None else not held
    return NoneOf(held.of if isinstance(held, Any_) else (held,))


def _unless(parts: Sequence[Residue]) -> Residue:
    known = [part for part in parts if part is not None and part is not _UNKNOWN]
    held = _joined(known, Any_, decides=True)  # what is unknown counts as absent
    if isinstance(held, bool):
        return not held
    return True if held is None else Unless(held.of if isinstance(held, Any_) else (held,))
