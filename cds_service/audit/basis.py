"""The part of an event that says why: every rule's result, the facts they rest on, the cards."""

from collections.abc import Iterator, Mapping
from uuid import UUID, uuid5

import msgspec

from cds_service.audit.allowlist import Allowlist
from cds_service.decision import Decision
from cds_service.facts.model import Datum, Fact
from cds_service.presentation.cards import Carded


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: what came of it, whether it was shown, and why."""

    rule: str
    version: int
    outcome: str
    shown: str = "nothing"
    reason: str = ""
    indicator: str = ""
    side: str = ""
    missing: tuple[str, ...] = ()


class DatumUsed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the record: number and unit as reported, dates as written, its reference.

    `low` and `high`: the laboratory's own reference range of the number.
    """

    value: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    date: str = ""
    onset: str = ""
    recorded: str = ""
    side: str = ""
    resource: str = ""
    notes: tuple[str, ...] = ()


class FactUsed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact that a finding rests on or lacks; without a `value` it is unknown, for `reason`."""

    name: str
    value: bool | None = None
    reason: str = ""
    side: str = ""
    data: tuple[DatumUsed, ...] = ()


class RuleShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule that a card speaks for: the card's own, or one merged into it."""

    rule: str
    version: int
    indicator: str = ""
    side: str = ""


class Offered(msgspec.Struct, frozen=True):
    """A suggestion, and the order it places; `delete` for one that removes a draft."""

    uuid: str
    order: str


class CardShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A card: which rules speak on it, how strongly, and what it offers or withholds."""

    uuid: str
    indicator: str
    rules: tuple[RuleShown, ...]
    level: int | None = None
    side: str = ""
    suggestions: tuple[Offered, ...] = ()
    withheld: Mapping[str, str] = {}


def lines(decision: Decision) -> tuple[Line, ...]:
    """Every rule of a decision, in order of id."""
    return tuple(
        Line(
            rule=one.rule,
            version=one.version,
            outcome=one.outcome,
            shown=one.shown,
            reason=one.shown_reason or one.reason,
            indicator=one.indicator or "",
            side=one.side,
            missing=one.missing,
        )
        for one in sorted(decision.findings, key=lambda one: one.rule)
    )


def facts_used(decision: Decision, kept: Allowlist) -> tuple[FactUsed, ...]:
    """Every fact that a finding rests on or lacks, once per leg it was read for."""
    wanted = {
        (name, side)
        for finding in decision.findings
        for name in (*finding.because, *finding.missing)
        for side in decision.legs(finding)
    }
    used = []
    for name, side in sorted(wanted):
        fact = decision.facts.fact(name, side)
        used.append(
            FactUsed(
                name=name,
                value=fact.value,
                reason=fact.reason.value if fact.reason else "",
                side=side,
                data=tuple(_data(fact, decision, kept)),
            )
        )
    return tuple(used)


def _data(fact: Fact, decision: Decision, kept: Allowlist) -> Iterator[DatumUsed]:
    for one in fact.data:
        yield _datum(one, decision, kept)


def _datum(one: Datum, decision: Decision, kept: Allowlist) -> DatumUsed:
    value = kept.value(one.value)
    return DatumUsed(
        value=value,
        unit=kept.unit(one.unit) if value else "",
        low=kept.value(one.low) if value else "",
        high=kept.value(one.high) if value else "",
        date=kept.date(one.when),
        onset=kept.date(one.onset),
        recorded=kept.date(one.recorded),
        side=one.side or "",
        resource=kept.reference(one.ref, decision.question),
        notes=kept.notes(one.notes),
    )


def cards_shown(decision: Decision) -> tuple[CardShown, ...]:
    """The cards of a decision, in the order they were shown."""
    return tuple(_card(one, decision) for one in decision.carded)


def _card(carded: Carded, decision: Decision) -> CardShown:
    own = carded.finding
    merged = (one for one in decision.findings if one.shown == "merged" and one.shown_reason == own.rule)
    return CardShown(
        uuid=carded.card.uuid,
        indicator=carded.card.indicator,
        rules=tuple(
            RuleShown(one.rule, one.version, one.indicator or "", one.side) for one in (own, *merged)
        ),
        level=own.level,
        side=own.side,
        suggestions=tuple(_offered(carded)),
        withheld=dict(carded.withheld),
    )


def _offered(carded: Carded) -> Iterator[Offered]:
    # As `presentation.suggestions` makes them: a suggestion's uuid is that of its card and its order.
    orders = {str(uuid5(UUID(carded.card.uuid), name)): name for name in carded.orders}
    for one in carded.card.suggestions:
        yield Offered(one.uuid, orders.get(one.uuid, one.actions[0].type))
