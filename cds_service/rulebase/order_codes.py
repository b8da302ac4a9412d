"""A rule base with a client's own codes for orders; they enter the digest.

Such a code (an item of an Epic preference list, say) is added to what a card suggests, because an EHR
may know no other; and it means, in the client's own record, what the order's standard codes mean: an
order, a draft, a procedure or a report that carries nothing else is recognised. The value of an
Observation is not read under it: an order is not its result.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.rulebase.concepts import Concept
from cds_service.rulebase.lock import canonical
from cds_service.rulebase.model import Coded, Order, RuleBase
from cds_service.rulebase.terminology import Terminology

_SYSTEM = re.compile(r"(?:https?://|urn:)[^\s\"<>\\^`{|}]{3,200}")
_CODE = re.compile(r"[^\s]{1,100}( [^\s]{1,100}){0,10}")  # R4 `code`: no blanks but single ones inside


def with_order_codes(rule_base: RuleBase, added: Mapping[str, tuple[Coded, ...]]) -> RuleBase:
    """The rule base with further codings for orders; itself when there are none.

    Args:
        rule_base: for the client's region.
        added: order → codings. Those for one leg stand under the order's name with `-left` or `-right`:
            an order of both legs must not be placed for one.

    Raises:
        Failure: incorrect, `where` naming the order: there is none of this name, it takes no code, a
            coding is malformed, or its code means something else already.
    """
    meant: dict[tuple[str, str], dict[str, Concept]] = {}
    orders = dict(rule_base.orders)
    for name, codings in added.items():
        order, side = _named(name, orders)
        standard = order.sided[side] if side else order.codings
        concepts = _meaning(standard, rule_base)
        for one in codings:
            key = _checked(name, one, rule_base)
            if meant.setdefault(key, concepts).keys() != concepts.keys():
                raise _wrong(name, f"{one.code} is given for another order too", "give each its own")
            _demand_free(name, one, concepts, rule_base)
        further = tuple(one for one in dict.fromkeys(codings) if one not in standard)
        orders[order.name] = _extended(order, side, further)
    if not any(added.values()):
        return rule_base
    told = {name: [[one.system, one.code, one.display] for one in them] for name, them in added.items()}
    code_sets = dict(rule_base.code_sets)
    for (system, code), concepts in meant.items():
        for name, concept in concepts.items():
            member = msgspec.structs.replace(
                concept, system=system, code=code, prefix=False, ordered=True
            )
            if member not in code_sets[name].concepts:
                old = code_sets[name]
                code_sets[name] = msgspec.structs.replace(old, concepts=(*old.concepts, member))
    return msgspec.structs.replace(
        rule_base,
        orders=orders,
        code_sets=code_sets,
        terminology=Terminology(code_sets.values(), rule_base.systems.values()),
        digest=sha256(canonical([rule_base.digest, {"order-codes": told}])).hexdigest(),
    )


def _named(name: str, orders: Mapping[str, Order]) -> tuple[Order, str]:
    """The order of this name, and the leg that the name says."""
    order, side = orders.get(name), ""
    if order is None:
        stem, _, side = name.rpartition("-")
        order = orders.get(stem)
        if order is None or side not in order.sided:
            raise _wrong(name, "there is no such order", "run: cds-service rules find WORD")
    if order.kind == "questionnaire":
        raise _wrong(name, "is answered, not ordered: it takes no code", "take it out")
    return order, side


def _meaning(standard: Iterable[Coded], rule_base: RuleBase) -> dict[str, Concept]:
    """Code set → what the standard codings of an order together are there."""
    found: dict[str, Concept] = {}
    for one in standard:
        for match in rule_base.terminology.matches(one.system, one.code):
            first = found.get(match.set)
            found[match.set] = _together(first, match.concept) if first else match.concept
    return found


def _together(first: Concept, other: Concept) -> Concept:
    """What two codings of one order say in common: toe-brachial index left and right, of no side."""
    return msgspec.structs.replace(
        first,
        side=first.side if first.side == other.side else None,
        needs_site=first.needs_site if first.needs_site == other.needs_site else "",
    )


def _checked(name: str, one: Coded, rule_base: RuleBase) -> tuple[str, str]:
    """System and code of a coding, the system under the name that content has for it."""
    if not _SYSTEM.fullmatch(one.system):
        raise _wrong(name, f"{one.system!r} is no code system", "give its URI: https://… or urn:…")
    if not _CODE.fullmatch(one.code):
        raise _wrong(name, f"{one.code!r} is no code", "give the code as the EHR has it")
    own = (uris[0] for uris in rule_base.systems.values() if one.system in uris)
    return next(own, one.system), one.code


def _demand_free(name: str, one: Coded, concepts: Mapping[str, Concept], rule_base: RuleBase) -> None:
    present = {match.set for match in rule_base.terminology.matches(one.system, one.code)}
    if not present <= concepts.keys():
        sets = ", ".join(sorted(present - concepts.keys()))
        raise _wrong(name, f"{one.code} means something else already: {sets}", "correct the code")


def _extended(order: Order, side: str, further: tuple[Coded, ...]) -> Order:
    if not side:
        return msgspec.structs.replace(order, codings=(*order.codings, *further))
    sided = {**order.sided, side: (*order.sided[side], *further)}
    return msgspec.structs.replace(order, sided=sided)


def _wrong(name: str, what: str, todo: str) -> Failure:
    return Failure(Kind.INCORRECT, what, where=name, todo=todo)
