"""Plain YAML values, already of the right shape, into the frozen values of `model`.

Nothing here checks: the JSON Schemas have refused wrong shapes before, `names` finds names that
lead nowhere afterwards.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cds_service.rulebase import definitions, model
from cds_service.rulebase.building_facts import criterion, optional
from cds_service.rulebase.concepts import Concept

_PREFIXED = ("icd-10-cm", "atc")  # systems where a stem stands for everything below it


def threshold(name: str, value: Mapping[str, Any]) -> definitions.Threshold:
    """A threshold with its native values, and the thresholds of regions that have others."""
    return definitions.Threshold(
        name=name,
        values={unit: Decimal(number) for unit, number in value["value"].items()},
        source=value["source"],
        standing=value["standing"],
        of=value.get("of", ""),
        regions={
            region: threshold(name, {**_shared(value), **other})
            for region, other in value.get("regions", {}).items()
        },
        bounds=_bounds(value["bounds"]) if "bounds" in value else None,
    )


def _shared(value: Mapping[str, Any]) -> dict[str, Any]:
    """What the thresholds of all regions have in common."""
    return {key: value[key] for key in ("of", "bounds") if key in value}


def _bounds(value: Mapping[str, Any]) -> definitions.Bounds:
    return definitions.Bounds(Decimal(value["from"]), Decimal(value["to"]), value["source"])


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
    plausible, limit = value["plausible"], value.get("plausible-limit")
    return definitions.Analyte(
        name=name,
        label=value["label"],
        codes=value["codes"],
        unit=value["unit"],
        units=units,
        plausible=(Decimal(plausible["from"]), Decimal(plausible["to"])),
        arrives=tuple(value["arrives-in"]),
        source=value["source"],
        not_at=value.get("not-at", ""),
        plausible_limit=(Decimal(limit["from"]), Decimal(limit["to"])) if limit else None,
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
                plain=fields.get("plain", ""),
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
        done_after_latest_onset_of=tuple(done.get("after-latest-onset-of", ())),
        open_within=value.get("open-within", ""),
        must_be_clear=tuple(value.get("must-be-clear", ())),
        blocked_by=tuple(value.get("blocked-by", ())),
        questionnaire=value.get("questionnaire", ""),
    )


def panel(name: str, value: Mapping[str, Any]) -> model.Panel:
    """A laboratory panel."""
    return model.Panel(name, value["codes"], tuple(value["covers"]), value["source"])


def _hazards(value: Mapping[str, str]) -> model.Hazards:
    return model.Hazards(
        fires_wrongly=value["fires-wrongly"],
        silent_wrongly=value["silent-wrongly"],
        control=value["control"],
        case=value["case"],
    )


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
        hazards=_hazards(value["hazards"]),
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
        yields_to_critical=value.get("yields-to-critical", False),
        general=value.get("general", False),
        tip=value.get("tip", ""),
        withheld_by=tuple(value.get("withheld-by", ())),
        per=value.get("per", "patient"),
        yields_to=tuple(
            model.Yield(one["rule"], one.get("also-when-unknown", False))
            for one in value.get("yields-to", ())
        ),
        merges_into=value.get("merges-into", ""),
        ask=_ask(value["unknown"]),
        reviewed=value["reviewed"],
    )


def _level(value: Mapping[str, Any]) -> model.Level:
    return model.Level(
        indicator=value["indicator"],
        when=criterion(value["when"]),
        only_with=tuple(value.get("only-with", ())),
        text=value.get("text", "default"),
    )


def _text(value: Mapping[str, Any]) -> model.CardText:
    return model.CardText(
        summary=value["summary"],
        consider=tuple(value["consider"]),
        why=tuple(value.get("why", ())),
        source=value.get("source", ""),
    )


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
