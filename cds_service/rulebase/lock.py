"""Digests and the lock: a rule that means something else must have a new version.

A rule's digest covers the parsed rule and everything it reaches: facts, thresholds, analytes, code
sets, scores, orders, panels. Comments and layout do not count, nor do the day of a review and what is
said of hazards.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from cds_service.failures import ContentProblem
from cds_service.rulebase import model, reach
from cds_service.rulebase.reading import Document

Documents = Mapping[str, list[Document]]


def canonical(value: Any) -> bytes:
    """One byte string per meaning: sorted keys, no blanks, numbers as written."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"content holds a {type(value).__name__}")


_SAID_OF_IT = ("reviewed", "hazards", "checked")


def undated(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule without the days of its reviews and without its hazards: they change no card."""
    sources = [_without_review(source) for source in rule["sources"]]
    return {**_without_review(rule), "sources": sources}


def _without_review(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: kept for key, kept in value.items() if key not in _SAID_OF_IT}


def with_digests(rule_base: model.RuleBase, documents: Documents) -> model.RuleBase:
    """The rule base with its own digest and one per rule."""
    known = reach.entries(documents)
    digests = {
        document.value["id"]: sha256(
            canonical([undated(document.value), reach.reached(document.value, known)])
        ).hexdigest()
        for document in documents["rule"]
    }
    whole = [
        undated(document.value) if kind == "rule" else _without_review(document.value)
        for kind in (
            "terminology",
            "thresholds",
            "facts",
            "orders",
            "services",
            "global",
            "suppression",
            "rule",
        )
        for document in documents[kind]
    ]
    digest = sha256(canonical(whole)).hexdigest()
    return msgspec.structs.replace(rule_base, digest=digest, rule_digests=digests)


class Entry(msgspec.Struct, frozen=True):
    """What the lock says of one rule. A released version never changes its meaning again."""

    version: int
    digest: str
    released: bool = True


def entries(text: str) -> dict[str, Entry]:
    """The entries of `cards.lock`; none for an empty text.

    Raises:
        ValueError: when it is no lock.
    """
    try:
        return msgspec.json.decode(text, type=dict[str, dict[str, Entry]])["rules"] if text else {}
    except (msgspec.MsgspecError, KeyError) as error:
        raise ValueError("not a lock") from error


def unraised(rule_base: model.RuleBase, text: str) -> list[str]:
    """The rules that mean something else under a version that was released."""
    known = entries(text)
    return [
        rule.id
        for rule in rule_base.rules.values()
        if (entry := known.get(rule.id)) is not None
        and entry.released
        and entry.version == rule.version
        and entry.digest != rule_base.rule_digests[rule.id]
    ]


def written(rule_base: model.RuleBase, text: str, *, release: bool = False) -> str:
    """The text of `cards.lock` for this rule base; a rule stays released while its version stays."""
    known = entries(text)
    rules = {}
    for rule in rule_base.rules.values():
        old = known.get(rule.id)
        kept = old is not None and old.version == rule.version and old.released
        rules[rule.id] = {
            "version": rule.version,
            "digest": rule_base.rule_digests[rule.id],
            "released": release or kept,
        }
    return json.dumps({"rules": rules}, indent=1, sort_keys=True) + "\n"


def differences(rule_base: model.RuleBase, text: str, documents: Documents) -> Iterator[ContentProblem]:
    """Every rule whose meaning is not the one that `cards.lock` names for its version."""
    try:
        locked = entries(text)
    except ValueError:
        yield ContentProblem("cards.lock", 1, "cannot be read; run `cds-service rules lock`")
        return
    places = {document.value["id"]: document for document in documents["rule"]}
    for rule in rule_base.rules.values():
        place = places[rule.id]
        entry = locked.get(rule.id)
        if entry is None:
            yield place.problem(("id",), "is not in cards.lock; run `cds-service rules lock`")
        elif entry.version > rule.version:
            yield place.problem(("version",), f"went back from {entry.version} to {rule.version}")
        elif entry.digest != rule_base.rule_digests[rule.id]:
            yield place.problem(("version",), _advice(entry, rule.version))
    for name in sorted(locked.keys() - rule_base.rules.keys()):
        yield ContentProblem(
            "cards.lock", 1, f"{name} is gone: retire a rule (`status: retired`), never delete it"
        )


def _advice(entry: Entry, now: int) -> str:
    if now > entry.version:
        return "has a new version that is not in cards.lock; run `cds-service rules lock`"
    means = "means something else than cards.lock says (the rule, or something that it reaches, changed)"
    if entry.released:
        return (
            f"{means}: this version is released, so raise `version`, then run `cds-service rules lock`"
        )
    return f"{means}: run `cds-service rules lock`"
