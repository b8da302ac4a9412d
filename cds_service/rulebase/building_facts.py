"""Plain YAML values into criteria, facts of every kind, and score tables; see `building`."""

from collections.abc import Mapping
from typing import Any

from cds_service.rulebase import definitions, numbers
from cds_service.rulebase.criteria import All, Any_, Criterion, Is, NoneOf, Unless

_WORDS: Mapping[str, type[All | Any_ | NoneOf | Unless]] = {
    "all": All,
    "any": Any_,
    "none": NoneOf,
    "unless": Unless,
}
_ABSENT_IS_FALSE = ("condition", "done", "draft", "medication")


def criterion(value: Any) -> Criterion:
    """A criterion from its YAML form."""
    if isinstance(value, str):
        return Is(value)
    ((word, parts),) = value.items()
    return _WORDS[word](tuple(criterion(part) for part in parts))


def optional(value: Any) -> Criterion | None:
    """A criterion, or None where none is written."""
    return None if value is None else criterion(value)


def limits(value: Mapping[str, str]) -> tuple[definitions.Limit, ...]:
    """The comparisons of an `is:` mapping, by name: the order of keys in YAML means nothing."""
    return tuple(definitions.Limit(how, name) for how, name in sorted(value.items()))  # type: ignore[arg-type]


def fact(name: str, value: Mapping[str, Any]) -> definitions.Fact:
    """A fact definition of its kind."""
    kind = value["kind"]
    recorded = value.get("nothing-recorded", "absent" if kind in _ABSENT_IS_FALSE else "unknown")
    common: dict[str, Any] = {
        "name": name,
        "label": value["label"],
        "source": value["source"],
        "says": value.get("says", ""),
        "ask": value.get("ask", ""),
        "nothing_recorded": False if recorded == "absent" else None,
        "legs": value.get("legs", ""),
        "template": value["label"] if any(numbers.named(value["label"])) else "",
    }
    return _KINDS[kind](common, value)


def _age(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.AgeFact(**common, limits=limits(value["is"]))


def _patient(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.PatientFact(**common, attribute=value["who"])


def _hook(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.HookFact(**common, hooks=tuple(value["in"]))


def _region(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.RegionFact(**common, regions=tuple(value["in"]))


def _condition(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.ConditionFact(
        **common,
        sets=tuple(value["in"]),
        arrives=tuple(value.get("arrives-in", ("conditions",))),
        within=value.get("within", ""),
        lasting=value.get("lasting", ""),
        undated_counts=value.get("undated") == "counts",
        certain=value.get("certain", False),
        ever=value.get("ever", False),
        resolved=value.get("resolved", False),
    )


def _finding(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.FindingFact(
        **common,
        sets=tuple(value["in"]),
        within=value["within"],
        condition_within=value.get("condition-within", value["within"]),
        answers=tuple(value.get("answers", ())),
        denials=tuple(value.get("denials", ())),
        undated_counts=value.get("undated") == "counts",
        reassuring=value.get("reassuring", False),
        after_latest_onset_of=tuple(value.get("after-latest-onset-of", ())),
    )


def _measurement(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    shorter = value.get("shorter", {})
    within = value.get("within", "")
    return definitions.MeasurementFact(
        **common,
        of=value["of"],
        limits=limits(value["is"]),
        times=value.get("times"),
        without_range=limits(value.get("without-range", {})),
        within=within,
        clears_within=value.get("clears-within", within),
        older_than=value.get("older-than", ""),
        shorter_while=shorter.get("while", ""),
        shorter_within=shorter.get("within", ""),
        after_onset_of=tuple(value.get("after-onset-of", ())),
        sides=value.get("sides", "newest"),
        rounded=value.get("rounded"),
        preliminary=value.get("preliminary") == "counts",
        reassuring=value.get("reassuring", False),
        at_rest=value.get("at-rest", False),
    )


def _done(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.DoneFact(
        **common,
        sets=tuple(value["in"]),
        within=value.get("within", ""),
        after_onset_of=tuple(value.get("after-onset-of", ())),
        after_latest_onset_of=tuple(value.get("after-latest-onset-of", ())),
    )


def _draft(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.DraftFact(**common, sets=tuple(value["in"]), route=value.get("route", ""))


def _medication(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.MedicationFact(
        **common,
        sets=tuple(value["in"]),
        use=value.get("use", "hazard"),
        ended_within=value.get("ended-within", ""),
    )


def _duration(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.DurationFact(
        **common,
        of=tuple(value["of"]),
        limits=limits(value["is"]),
        recorded_counts=value.get("recorded-counts", False),
        newest=value.get("newest", False),
    )


def _count(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.CountFact(**common, of=tuple(value["of"]), at_least=value["at-least"])


def _answered(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.AnsweredFact(**common, of=tuple(value["of"]), at_least=value["at-least"])


def _score(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.ScoreFact(
        **common,
        table=value["table"],
        limits=limits(value["is"]),
        undecided=value.get("undecided", False),
    )


def _group(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.GroupFact(
        **common,
        when=criterion(value["when"]),
        unknown_only_if=optional(value.get("unknown-only-if")),
    )


def _derived(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    shorter = value.get("shorter", {})
    return definitions.DerivedFact(
        **common,
        by=value["by"],
        of=tuple(value.get("of", ())),
        limits=limits(value.get("is", {})),
        times=value.get("times"),
        without_range=limits(value.get("without-range", {})),
        parameters=dict(value.get("with", {})),
        within=value.get("within", ""),
        older_than=value.get("older-than", ""),
        shorter_while=shorter.get("while", ""),
        shorter_within=shorter.get("within", ""),
        paired_within=value.get("paired-within", ""),
        preliminary=value.get("preliminary") == "counts",
    )


_KINDS = {
    "age": _age,
    "patient": _patient,
    "hook": _hook,
    "region": _region,
    "condition": _condition,
    "finding": _finding,
    "measurement": _measurement,
    "done": _done,
    "draft": _draft,
    "medication": _medication,
    "duration": _duration,
    "count": _count,
    "answered": _answered,
    "score": _score,
    "group": _group,
    "derived": _derived,
}


def score(name: str, value: Mapping[str, Any]) -> definitions.ScoreTable:
    """A score table."""
    items = tuple(definitions.ScoreItem(item["fact"], item["points"]) for item in value["items"])
    return definitions.ScoreTable(name, value["title"], items, value["source"])
