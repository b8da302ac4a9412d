"""Plain YAML values, already of the right shape, into the frozen values of `model`.

Nothing here checks: the JSON Schemas have refused wrong shapes before, `names` finds names that
lead nowhere afterwards.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cds_service.rulebase import definitions, model
from cds_service.rulebase.concepts import Concept
from cds_service.rulebase.criteria import All, Any_, Criterion, Is, NoneOf, Unless

_WORDS: Mapping[str, type[All | Any_ | NoneOf | Unless]] = {
    "all": All,
    "any": Any_,
    "none": NoneOf,
    "unless": Unless,
}
_PREFIXED = ("icd-10-cm", "atc")  # systems where a stem stands for everything below it
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
    """The comparisons of an `is:` mapping."""
    return tuple(definitions.Limit(how, name) for how, name in value.items())  # type: ignore[arg-type]


def threshold(name: str, value: Mapping[str, Any]) -> definitions.Threshold:
    """A threshold with its native values."""
    return definitions.Threshold(
        name=name,
        values={unit: Decimal(number) for unit, number in value["value"].items()},
        source=value["source"],
        standing=value["standing"],
        of=value.get("of", ""),
    )


def analyte(name: str, value: Mapping[str, Any]) -> definitions.Analyte:
    """An analyte with its declared units."""
    units = {
        code: definitions.Unit(
            code=code,
            spellings=tuple(unit.get("also", ())),
            factor=Decimal(unit.get("factor", 1)),
            same_as=unit.get("same-as", ""),
            zero=Decimal(unit.get("zero", 0)),
        )
        for code, unit in value["units"].items()
    }
    plausible = value["plausible"]
    return definitions.Analyte(
        name=name,
        label=value["label"],
        codes=value["codes"],
        unit=value["unit"],
        units=units,
        plausible=(Decimal(plausible["from"]), Decimal(plausible["to"])),
        arrives=tuple(value["arrives-in"]),
        source=value["source"],
    )


def concepts(include: Mapping[str, Any], systems: Mapping[str, tuple[str, ...]]) -> tuple[Concept, ...]:
    """The concepts of one `include` entry that lists codes."""
    system = include["system"]
    uri = systems.get(system, (system,))[0]
    found = []
    for entry in include["codes"]:
        fields = entry if isinstance(entry, dict) else {"code": entry[0], "display": entry[1]}
        found.append(
            Concept(
                system=uri,
                code=fields["code"],
                display=fields["display"],
                prefix=system in _PREFIXED and not fields.get("exact", False),
                side=fields.get("side"),
                needs_site=fields.get("needs-site", ""),
            )
        )
    return tuple(found)


def local_code(name: str, value: Mapping[str, Any]) -> model.LocalCode:
    """One concept of the project's own code system."""
    return model.LocalCode(
        code=name,
        display=value["display"],
        type=value["type"],
        question=value.get("question", ""),
        values=tuple(value.get("values", ())),
        unit=value.get("unit", ""),
    )


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
    }
    return _KINDS[kind](common, value)


def _age(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.AgeFact(**common, limits=limits(value["is"]))


def _patient(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.PatientFact(**common, attribute=value["who"])


def _hook(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.HookFact(**common, hooks=tuple(value["in"]))


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
    )


def _measurement(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    shorter = value.get("shorter", {})
    within = value.get("within", "")
    return definitions.MeasurementFact(
        **common,
        of=value["of"],
        limits=limits(value["is"]),
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
    )


def _done(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.DoneFact(
        **common,
        sets=tuple(value["in"]),
        within=value.get("within", ""),
        after_onset_of=tuple(value.get("after-onset-of", ())),
    )


def _draft(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.DraftFact(**common, sets=tuple(value["in"]))


def _medication(common: dict[str, Any], value: Mapping[str, Any]) -> definitions.Fact:
    return definitions.MedicationFact(**common, sets=tuple(value["in"]), use=value.get("use", "hazard"))


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
    return definitions.DerivedFact(
        **common,
        by=value["by"],
        of=tuple(value.get("of", ())),
        limits=limits(value.get("is", {})),
    )


_KINDS = {
    "age": _age,
    "patient": _patient,
    "hook": _hook,
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


def _coded(value: Mapping[str, str], systems: Mapping[str, tuple[str, ...]]) -> model.Coded:
    system = systems.get(value["system"], (value["system"],))[0]
    return model.Coded(system, value["code"], value["display"])


def order(name: str, value: Mapping[str, Any], systems: Mapping[str, tuple[str, ...]]) -> model.Order:
    """An order definition."""
    done = value.get("done", {})
    category = value.get("category")
    return model.Order(
        name=name,
        reference=value["reference"],
        label=value["label"],
        why=value["why"],
        kind=value["kind"],
        codings=tuple(_coded(one, systems) for one in value.get("codings", ())),
        text=value["text"],
        priority=value["priority"],
        source=value["source"],
        sided={
            side: tuple(_coded(one, systems) for one in codings)
            for side, codings in value.get("sided", {}).items()
        },
        category=_coded(category, systems) if category else None,
        done_sets=tuple(done.get("in", ())),
        done_within=done.get("within", ""),
        done_after_onset_of=tuple(done.get("after-onset-of", ())),
        open_within=value.get("open-within", ""),
        must_be_clear=tuple(value.get("must-be-clear", ())),
        blocked_by=tuple(value.get("blocked-by", ())),
        questionnaire=value.get("questionnaire", ""),
    )


def panel(name: str, value: Mapping[str, Any]) -> model.Panel:
    """A laboratory panel."""
    return model.Panel(name, value["codes"], tuple(value["covers"]), value["source"])


def rule(value: Mapping[str, Any]) -> model.Rule:
    """A rule and its card."""
    card = value["card"]
    return model.Rule(
        id=value["id"],
        reference=value["reference"],
        version=value["version"],
        status=value["status"],
        cause=value["cause"],
        title=value["title"],
        intent=value["intent"],
        limits=tuple(value["limits"]),
        hooks=tuple(value["hooks"]),
        sources=tuple(model.Source(**source) for source in value["sources"]),
        levels=tuple(_level(level) for level in value["levels"]),
        texts={name: _text(text) for name, text in card["texts"].items()},
        card_source=card["source"],
        suggest=tuple(_suggest(one) for one in card.get("suggest", ())),
        override_reasons=tuple(card.get("overrideReasons", ())),
        worth_knowing=tuple(card.get("worth-knowing", ())),
        red_flag=value.get("red-flag", False),
        alone=value.get("alone", False),
        tip=value.get("tip", False),
        per=value.get("per", "patient"),
        yields_to=tuple(
            model.Yield(one["rule"], one.get("also-when-unknown", False))
            for one in value.get("yields-to", ())
        ),
        merges_into=value.get("merges-into", ""),
        ask=_ask(value["unknown"]),
        reviewed=value.get("reviewed", ""),
    )


def _level(value: Mapping[str, Any]) -> model.Level:
    return model.Level(
        indicator=value["indicator"],
        when=criterion(value["when"]),
        only_with=tuple(value.get("only-with", ())),
        text=value.get("text", "default"),
    )


def _text(value: Mapping[str, Any]) -> model.CardText:
    return model.CardText(value["summary"], tuple(value["consider"]), tuple(value.get("why", ())))


def _suggest(value: Any) -> model.Suggest:
    if isinstance(value, str):
        return model.Suggest(order=value)
    if "delete" in value:
        return model.Suggest(
            delete=value["delete"], label=value["label"], when=optional(value.get("when"))
        )
    ((name, when),) = value.items()
    return model.Suggest(order=name, when=criterion(when))


def _ask(value: Any) -> model.Ask | None:
    if value == "silent":
        return None
    return model.Ask(
        facts=tuple(value["ask"]),
        text=_text(value),
        indicator=value.get("indicator", "info"),
        suggest=tuple(_suggest(one) for one in value.get("suggest", ())),
        when=optional(value.get("when")),
    )


def override_reason(
    name: str, value: Mapping[str, Any], systems: Mapping[str, tuple[str, ...]]
) -> model.OverrideReason:
    """An override reason and its quiet days."""
    return model.OverrideReason(name, _coded(value, systems), dict(value["quiet"]))
