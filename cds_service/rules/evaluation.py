"""Rules over facts give findings: levels from the highest down, per leg where the rule asks for it."""

from collections.abc import Iterable, Iterator
from operator import attrgetter

import msgspec

from cds_service.facts.model import Fact, FactSet, Side
from cds_service.rulebase.criteria import facts_in, supporting, truth
from cds_service.rulebase.model import Level, Rule, RuleBase
from cds_service.rules.model import Finding, LegSide
from cds_service.rules.settling import missing, would_fire


def evaluate(rule: Rule, facts: FactSet) -> tuple[Finding, ...]:
    """The finding of a rule; two where the legs differ. A rule that raises is `failed`, alone."""
    try:
        if rule.per == "patient" or not facts.legs:
            return (_on_one_side(rule, facts, ""),)
        return _per_leg(rule, facts)
    except Exception as error:  # noqa: BLE001 - one bad rule never takes the rest down
        return (Finding(rule.id, rule.version, "failed", reason=type(error).__name__),)


def _on_one_side(rule: Rule, facts: FactSet, side: Side) -> Finding:
    value_of, sure_of = facts.truths(side), facts.sures(side)
    higher: list[str] = []
    taken = ""
    for index, level in enumerate(rule.levels):
        answer = truth(level.when, value_of, sure_of)
        gone = "" if answer is False else _orders_gone(level, facts, side)
        if gone:  # whatever the answer, this level has nothing left to offer
            taken = gone
        elif answer is None:
            higher.extend(missing(level.when, facts, side))
        elif answer:
            because = _bottom(supporting(level.when, value_of, sure_of), facts, side)
            return Finding(
                rule.id,
                rule.version,
                "fires",
                indicator=level.indicator,
                level=index,
                side="" if rule.per == "patient" else "unknown",
                because=because,
                missing=_once(higher),
            )
    if higher:
        asks = _asks(rule, facts, side)
        return Finding(
            rule.id,
            rule.version,
            "unknown",
            reason="facts-missing",
            missing=_once(higher),
            asks=asks,
            indicator=rule.ask.indicator if rule.ask and asks else None,
        )
    return _gated(rule, facts, side) or Finding(
        rule.id, rule.version, "silent", reason=taken or "criteria-not-met"
    )


def _gated(rule: Rule, facts: FactSet, side: Side) -> Finding | None:
    """Why a tip is not given that would be but for a gate: the gate, and what makes it true."""
    if not rule.withheld_by:
        return None
    value_of, sure_of = facts.truths(side), facts.sures(side)

    def if_open(name: str) -> bool | None:
        return False if name in rule.withheld_by else value_of(name)

    def surely_if_open(name: str) -> bool | None:
        return False if name in rule.withheld_by else sure_of(name)

    if not any(truth(level.when, if_open, surely_if_open) for level in rule.levels):
        return None
    gate = next((name for name in rule.withheld_by if value_of(name) is True), "")
    if not gate:
        return None
    because = _bottom(iter((gate,)), facts, side)
    return Finding(
        rule.id,
        rule.version,
        "silent",
        reason="gate",
        because=because,
        shown="withheld",
        shown_reason=f"gate: {gate} ({', '.join(because)})",
    )


def _orders_gone(level: Level, facts: FactSet, side: Side) -> str:
    """Why a level that only offers orders has nothing left to offer; empty when it has."""
    if not level.only_with:
        return ""
    states = [facts.orders.get(side, facts.orders[""])[order] for order in level.only_with]
    if any(state.free for state in states):
        return ""
    return "order-done" if any(state.done for state in states) else "order-open"


def _asks(rule: Rule, facts: FactSet, side: Side) -> bool:
    if rule.ask is None:
        return False
    if rule.ask.when is not None:
        holds = truth(rule.ask.when, facts.truths(side), facts.sures(side))
        if holds is not True:
            return False
    levels = [level.when for level in rule.levels if not _orders_gone(level, facts, side)]
    return would_fire(levels, rule.ask.facts, facts, side)


def _bottom(names: Iterator[str], facts: FactSet, side: Side) -> tuple[str, ...]:
    return _once(leaf for name in names for leaf in (facts.fact(name, side).because or (name,)))


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _per_leg(rule: Rule, facts: FactSet) -> tuple[Finding, ...]:
    """One finding where the legs agree or only one speaks, two where they differ.

    A leg is named only if something recorded about that leg made the rule fire; what has no side
    cannot tell which leg it is.
    """
    legs = {side: _on_one_side(rule, facts, side) for side in facts.legs}
    firing = {side: one for side, one in legs.items() if one.outcome == "fires"}
    if firing:
        named = {side: one for side, one in firing.items() if _is_about(one, side, facts)}
        unnamed = _gravest(one for side, one in firing.items() if side not in named)
        if not named:
            return () if unnamed is None else (unnamed,)
        fired = _fired(named)
        # What names no leg is lost in one that does, unless it is graver.
        return (unnamed, *fired) if unnamed and unnamed.severity > fired[0].severity else fired
    undecided = [one for one in legs.values() if one.outcome == "unknown"]
    if undecided:
        asking = next((one for one in undecided if one.asks), undecided[0])
        everything = _once(name for one in undecided for name in one.missing)
        return (msgspec.structs.replace(asking, missing=everything),)
    return (next(iter(legs.values())),)


def _gravest(findings: Iterable[Finding]) -> Finding | None:
    return max(findings, key=attrgetter("severity"), default=None)


def _is_about(finding: Finding, side: Side, facts: FactSet) -> bool:
    return any(
        one.side in (side, "both") for name in finding.because for one in facts.fact(name, side).data
    )


def _fired(named: dict[Side, Finding]) -> tuple[Finding, ...]:
    if len(named) == 1:
        ((side, one),) = named.items()
        return (msgspec.structs.replace(one, side=side),)
    left, right = named["left"], named["right"]
    if left.level == right.level:
        because = _once((*left.because, *right.because))
        both: LegSide = "both"
        return (
            msgspec.structs.replace(
                left, side=both, because=because, missing=_once((*left.missing, *right.missing))
            ),
        )
    pair = [msgspec.structs.replace(one, side=side) for side, one in (("left", left), ("right", right))]
    pair.sort(key=attrgetter("severity"), reverse=True)
    return tuple(pair)


def trace(rule: Rule, facts: FactSet, side: Side = "") -> list[tuple[str, Fact]]:
    """Every fact that a rule's levels name, with its value: why it does what it does."""
    names = _once(name for level in rule.levels for name in facts_in(level.when))
    return [(name, facts.fact(name, side)) for name in names]


def evaluate_all(rule_base: RuleBase, facts: FactSet, hook: str) -> list[Finding]:
    """The findings of every rule that is not retired; those of other hooks say so."""
    found: list[Finding] = []
    for rule in rule_base.rules.values():
        if rule.status == "retired":
            continue
        if hook not in rule.hooks:
            found.append(
                Finding(rule.id, rule.version, "silent", "not-this-hook", shown="not-this-hook")
            )
        else:
            found.extend(evaluate(rule, facts))
    return found
