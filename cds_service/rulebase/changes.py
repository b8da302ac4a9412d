"""One small change of a criterion: what `rules mutate` tries and what `rules check` looks at."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cds_service.rulebase.criteria import All, Any_, Criterion, Is, NoneOf, Unless, facts_in

_SWAPPED: Mapping[type, type] = {All: Any_, Any_: All, NoneOf: Unless, Unless: NoneOf}
_WORDS: Mapping[type, str] = {All: "all", Any_: "any", NoneOf: "none", Unless: "unless"}


class Change(msgspec.Struct, frozen=True):
    """A criterion with one change, and what that is.

    `without`: the facts of a part that was left out. `unknown`: the facts of a `none` that became an
    `unless`, or the other way round; only where they are unknown do the two differ.
    """

    what: str
    criterion: Criterion
    without: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def leaves_out(self) -> bool:
        """Whether a part was left out; else a word was swapped."""
        return bool(self.without)


def changed(criterion: Criterion) -> Iterator[Change]:
    """Every criterion that is this one with one part left out or one word swapped.

    `none` and `unless` over what is never unknown (another `unless`) are the same, and no change.
    """
    if isinstance(criterion, Is):
        return
    kind, parts = type(criterion), criterion.of
    word = _WORDS[kind]
    denied = kind in (NoneOf, Unless)
    if any(_can_be_unknown(part) for part in parts) if denied else len(parts) > 1:
        swapped: Criterion = _SWAPPED[kind](parts)
        what = f"`{word}` is `{_WORDS[type(swapped)]}`: {_named(parts)}"
        yield Change(what, swapped, unknown=tuple(facts_in(criterion)) if denied else ())
    for index, part in enumerate(parts):
        rest = (*parts[:index], *parts[index + 1 :])
        if rest:
            what = f"`{word}` without {_named((part,))}"
            yield Change(what, kind(rest), tuple(facts_in(part)))
        for inner in changed(part):
            whole = kind((*parts[:index], inner.criterion, *parts[index + 1 :]))
            yield msgspec.structs.replace(inner, criterion=whole)


def _can_be_unknown(criterion: Criterion) -> bool:
    """Whether some values of its facts leave it unknown, as far as its words tell."""
    if isinstance(criterion, Is):
        return True
    return not isinstance(criterion, Unless) and any(_can_be_unknown(part) for part in criterion.of)


def _named(parts: Iterable[Criterion]) -> str:
    return ", ".join(
        part.fact if isinstance(part, Is) else f"{_WORDS[type(part)]}({_named(part.of)})"
        for part in parts
    )
