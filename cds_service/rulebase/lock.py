"""Digests and the lock: a rule that means something else must have a new version.

A rule's digest covers the parsed rule and everything it reaches: facts, thresholds, analytes, code
sets, scores, orders, panels. Comments and layout do not count.
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


def with_digests(rule_base: model.RuleBase, documents: Documents) -> model.RuleBase:
    """The rule base with its own digest and one per rule."""
    known = reach.entries(documents)
    digests = {
        document.value["id"]: sha256(
            canonical([document.value, reach.reached(document.value, known)])
        ).hexdigest()
        for document in documents["rule"]
    }
    whole = [
        document.value
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


def written(rule_base: model.RuleBase) -> str:
    """The text of `cards.lock` for this rule base."""
    rules = {
        rule.id: {"version": rule.version, "digest": rule_base.rule_digests[rule.id]}
        for rule in rule_base.rules.values()
    }
    return json.dumps({"rules": rules}, indent=1, sort_keys=True) + "\n"


def differences(rule_base: model.RuleBase, text: str, documents: Documents) -> Iterator[ContentProblem]:
    """Every rule whose meaning is not the one that `cards.lock` names for its version."""
    try:
        locked = {
            name: (int(entry["version"]), str(entry["digest"]))
            for name, entry in (json.loads(text)["rules"] if text else {}).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        yield ContentProblem("cards.lock", 1, "cannot be read; run `cds-service rules lock`")
        return
    places = {document.value["id"]: document for document in documents["rule"]}
    for rule in rule_base.rules.values():
        place = places[rule.id]
        entry = locked.get(rule.id)
        if entry is None:
            yield place.problem(("id",), "is not in cards.lock; run `cds-service rules lock`")
        elif entry[0] > rule.version:
            yield place.problem(("version",), f"went back from {entry[0]} to {rule.version}")
        elif entry[1] != rule_base.rule_digests[rule.id]:
            yield place.problem(("version",), _advice(entry[0], rule.version))
    for name in sorted(locked.keys() - rule_base.rules.keys()):
        yield ContentProblem(
            "cards.lock", 1, f"{name} is gone: retire a rule (`status: retired`), never delete it"
        )


def _advice(locked: int, now: int) -> str:
    if now > locked:
        return "has a new version that is not in cards.lock; run `cds-service rules lock`"
    return (
        "means something else than the version in cards.lock (the rule, or something that it "
        "reaches, changed): raise `version`, then run `cds-service rules lock`"
    )
