"""Runs a case and compares what came out with what was expected."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cds_service.cases import fixtures, records
from cds_service.decision import Decision, History, Policy, assess, decide
from cds_service.facts.model import Fact, FactSet, OrderState, Reason
from cds_service.hooks import prefetch
from cds_service.hooks import request as requests
from cds_service.hooks.request import Question
from cds_service.hooks.service import Service
from cds_service.rulebase import reading
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.regions import for_region
from cds_service.rules.model import Finding

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_POLICY = Policy(evaluation=True)
Posed = tuple[Question, FactSet]  # what is asked, and the facts it is asked about


class Case(msgspec.Struct, frozen=True):
    """One case of one rule, with the place where it is written."""

    rule: str
    name: str
    proves: str
    place: str
    given: Mapping[str, Any]
    expect: Mapping[str, Any]
    now: datetime
    hook: str
    reference: str = ""
    region: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What came of a case: the differences, empty when it holds."""

    case: Case
    differences: tuple[str, ...]
    decision: Decision | None = None


def read(texts: Mapping[str, str], rule_base: RuleBase) -> Iterator[Case]:
    """Every case of a rule base, in order of file and line."""
    for file in sorted(texts):
        if not file.endswith(".cases.yaml"):
            continue
        document, _ = reading.read(file, texts[file])
        rule = rule_base.rules[file.rsplit("/", 1)[-1].removesuffix(".cases.yaml")]
        for index, value in enumerate(document.value["cases"]):
            yield Case(
                rule=rule.id,
                name=value["name"],
                proves=value["proves"],
                place=f"{file}:{document.line(('cases', index))}",
                given=value["given"],
                expect=value["expect"],
                now=datetime.fromisoformat(value["now"]) if "now" in value else NOW,
                hook=value.get("hook", rule.hooks[0]),
                reference=value.get("reference", ""),
                region=value.get("region", ""),
            )


def run(case: Case, rule_base: RuleBase, fixture_folder: Path | None) -> Outcome:
    """Run one case; a case that raises differs by saying so."""
    try:
        decision = decided(case, rule_base, fixture_folder)
    except Exception as error:  # noqa: BLE001 - reported as a difference of this case
        return Outcome(case, (f"raised {type(error).__name__}: {error}",))
    return Outcome(case, tuple(differences(case, decision, rule_base)), decision)


def decided(case: Case, rule_base: RuleBase, fixture_folder: Path | None) -> Decision:
    """The decision that a case leads to."""
    question, facts = posed(case, rule_base, fixture_folder)
    return decide(question, facts, for_region(rule_base, case.region), History(), _POLICY)


def posed(case: Case, rule_base: RuleBase, fixture_folder: Path | None) -> Posed:
    """What a case asks, and the facts it asks about.

    Raises:
        LookupError: when the case needs a fixture and there are none.
        Failure: incorrect, when the rule base knows no such region.
    """
    rule_base = for_region(rule_base, case.region)
    if "facts" in case.given:
        return _from_facts(case, rule_base)
    service = _service(case.hook, rule_base)
    adding = case.given.get("record") or case.given.get("adding") or {}
    vitals = frozenset(
        concept.code
        for analyte in rule_base.analytes.values()
        if "vitals" in analyte.arrives
        for concept in rule_base.code_sets[analyte.codes].concepts
    )
    if "fixture" in case.given:
        if fixture_folder is None:
            raise LookupError("this case needs the fixtures")
        bundle = fixtures.shifted(fixtures.load(fixture_folder, case.given["fixture"]), case.now)
        patient = next(
            entry["resource"]["id"]
            for entry in bundle["entry"]
            if entry["resource"]["resourceType"] == "Patient"
        )
        made = records.build(adding, case.now, rule_base.systems, vitals, patient)[1:]
        bundle["entry"] = [*bundle["entry"], *({"resource": one} for one in made)]
    else:
        made = records.build(adding, case.now, rule_base.systems, vitals)
        bundle = {"entry": [{"resource": one} for one in made]}
    request = fixtures.hook_request(bundle, service)
    for key in adding.get("not-delivered", ()):
        request["prefetch"].pop(key, None)
    body = fixtures.encoded(request)
    parsed = requests.parse(body, service=service.id, hook=service.hook)
    evidence = prefetch.read(
        parsed.prefetch,
        service.prefetch,
        parsed.question.patient,
        parsed.draft_orders,
        parsed.question.encounter,
    )
    return parsed.question, assess(evidence, rule_base, case.now, UTC, case.hook)


def _service(hook: str, rule_base: RuleBase) -> Service:
    found = rule_base.services_for(hook)
    if found:
        return found[0]
    first = next(iter(rule_base.services.values()))
    return msgspec.structs.replace(first, hook=hook)


def _from_facts(case: Case, rule_base: RuleBase) -> Posed:
    """Inline facts alone; a fact that is not given has nothing recorded."""
    given = case.given["facts"]
    facts = {
        name: Fact(name, given[name], None if given[name] is not None else Reason.NOT_RECORDED)
        if name in given
        else Fact(name, definition.nothing_recorded, Reason.NOT_RECORDED)
        for name, definition in rule_base.facts.items()
    }
    states = dict.fromkeys(rule_base.orders, OrderState())
    whole = FactSet(
        now=case.now, zone=UTC, sides={"": facts}, orders={"": states}, readings={}, age=(60, 60)
    )
    question = Question(
        service=_service(case.hook, rule_base).id,
        hook=case.hook,
        hook_instance=case.name,
        patient=records.PATIENT,
    )
    return question, whole


def differences(case: Case, decision: Decision, rule_base: RuleBase) -> Iterator[str]:
    """In what a decision is not what its case expects."""
    rule = rule_base.rules[case.rule]
    finding = _finding(case, decision)
    # What is merged stands on the card of its host.
    on = (finding.rule, finding.shown_reason) if finding.shown == "merged" else (finding.rule,)
    carded = next((one for one in decision.carded if one.finding == finding), None) or next(
        (one for one in decision.carded if one.finding.rule in on[1:]), None
    )
    expect = case.expect
    seen: dict[str, Any] = {
        "outcome": finding.outcome,
        "shown": finding.shown,
        "indicator": finding.indicator,
        "side": finding.side or "unknown",
        "orders": list(carded.orders) if carded else [],
        "missing": list(finding.missing),
        "deletes": _deletes(carded.card.suggestions) if carded else 0,
    }
    for key, have in seen.items():
        if key not in expect:
            continue
        want = expect[key]
        if key == "missing":
            absent = [name for name in want if name not in have]
            if absent:
                yield f"missing: expected {absent} among {have}"
        elif have != want:
            yield f"{key}: expected {want!r}, got {have!r} ({finding.reason or finding.shown_reason})"
    for name in decision.faults(finding):  # a case that expects `unknown` must not hold by one
        yield f"fault: the code that works out {name!r} raised, so that it is unknown"
    told = finding.shown_reason or finding.reason
    if expect.get("reason", told) != told:
        yield f"reason: expected {expect['reason']!r}, got {told!r}"
    yield from _withheld(expect.get("withheld", {}), carded.withheld if carded else {})
    words = f"{carded.card.summary}\n{carded.card.detail}" if carded else ""
    yield from _worded(expect, words, rule.id)


def _worded(expect: Mapping[str, Any], words: str, rule: str) -> Iterator[str]:
    """Phrases that a card lacks and should have, or has and should not; without a card both differ."""
    plain = words.replace("\\", "")
    for phrase in expect.get("says", ()):
        if phrase.replace("\\", "") not in plain:
            yield f"says: {phrase!r} is not in the card of {rule}: {words!r}"
    for phrase in expect.get("says-not", ()):
        if not words:
            yield f"says-not: {rule} has no card that could say {phrase!r}"
        elif phrase.replace("\\", "") in plain:
            yield f"says-not: {phrase!r} is in the card of {rule}: {words!r}"


def _deletes(suggestions: tuple[Any, ...]) -> int:
    return sum(action.type == "delete" for one in suggestions for action in one.actions)


def _withheld(want: Mapping[str, str], have: Mapping[str, str]) -> Iterator[str]:
    for order, reason in want.items():
        if reason not in have.get(order, "nothing withheld"):
            yield f"withheld: expected {order}: {reason}, got {dict(have)}"


def _finding(case: Case, decision: Decision) -> Finding:
    """The finding of the case's rule; of two legs the one on the expected side, else the first."""
    found = [one for one in decision.findings if one.rule == case.rule]
    side = case.expect.get("side")
    return next((one for one in found if one.side == side), found[0])
