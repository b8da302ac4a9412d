"""Where a code counts: the sets it is in, what reads them, and the rules that reach them."""

from collections.abc import Iterator, Mapping

import msgspec

from cds_service.rulebase import reach
from cds_service.rulebase.concepts import CodeSet, Concept
from cds_service.rulebase.model import Order, RuleBase
from cds_service.rulebase.reading import Document

Documents = Mapping[str, list[Document]]
_READERS = ("facts", "analytes", "orders", "panels")


class Use(msgspec.Struct, frozen=True):
    """One code set that a code is in.

    `system` is the short name of the code system; `concept` the member that matches, which for a stem
    is shorter than the code asked for. `readers` are (section, name); `rules` are ids.
    """

    system: str
    set: CodeSet
    concept: Concept
    readers: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]


def of_code(code: str, rule_base: RuleBase, documents: Documents) -> Iterator[Use]:
    """Every use of a code, in every code system that has it, by the matching that records meet."""
    known = reach.entries(documents)
    users = reach.users(known)
    reached_by = _reached_by(documents, known)
    for system, uris in rule_base.systems.items():
        for match in rule_base.terminology.matches(uris[0], code):
            key = ("code-sets", match.set)
            yield Use(
                system,
                rule_base.code_sets[match.set],
                match.concept,
                tuple(one for one in users.get(key, ()) if one[0] in _READERS),
                tuple(reached_by.get("/".join(key), ())),
            )


class Reached(msgspec.Struct, frozen=True):
    """A definition, the ids of the rules that reach it, and the facts that name it.

    `facts` is None where something else than a fact names it too.
    """

    name: str
    rules: tuple[str, ...]
    facts: tuple[str, ...] | None


def reached(section: str, documents: Documents) -> Iterator[Reached]:
    """Every definition of a section that some rule reaches."""
    known = reach.entries(documents)
    users = reach.users(known)
    prefix = f"{section}/"
    for key, rules in _reached_by(documents, known).items():
        if not key.startswith(prefix):
            continue
        name = key.removeprefix(prefix)
        using = users.get((section, name), ())
        facts = tuple(one for kind, one in using if kind == "facts")
        yield Reached(name, tuple(rules), facts if len(facts) == len(using) else None)


def _reached_by(documents: Documents, known: reach.Entries) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for document in documents["rule"]:
        for name, _ in reach.reached(document.value, known):
            found.setdefault(name, []).append(document.value["id"])
    return found


def orders_with(code: str, rule_base: RuleBase) -> tuple[Order, ...]:
    """The orders that are written with this code."""
    return tuple(
        order
        for order in rule_base.orders.values()
        if any(
            coding.code == code
            for codings in (order.codings, *order.sided.values())
            for coding in codings
        )
    )
