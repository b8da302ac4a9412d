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
from cds_service.rulebase import model
from cds_service.rulebase.reading import Document, strings

Documents = Mapping[str, list[Document]]
_SECTIONS = (
    ("facts", "facts"),
    ("facts", "scores"),
    ("thresholds", "thresholds"),
    ("thresholds", "analytes"),
    ("terminology", "code-sets"),
    ("terminology", "questionnaires"),
    ("terminology", "local-codes"),
    ("orders", "orders"),
    ("orders", "panels"),
    ("suppression", "override-reasons"),
)


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
    entries = _entries(documents)
    digests = {
        document.value["id"]: _rule_digest(document.value, entries) for document in documents["rule"]
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


def _entries(documents: Documents) -> dict[str, list[tuple[str, Any]]]:
    found: dict[str, list[tuple[str, Any]]] = {}
    for kind, section in _SECTIONS:
        for document in documents[kind]:
            for name, value in document.value.get(section, {}).items():
                found.setdefault(name, []).append((section, value))
    return found


def _rule_digest(value: Any, entries: Mapping[str, list[tuple[str, Any]]]) -> str:
    reached: dict[tuple[str, str], Any] = {}
    waiting = list(_mentions(value))
    while waiting:
        name = waiting.pop()
        for section, entry in entries.get(name, ()):
            if (section, name) not in reached:
                reached[section, name] = entry
                waiting.extend(_mentions(entry))
    parts = sorted((f"{section}/{name}", entry) for (section, name), entry in reached.items())
    return sha256(canonical([value, parts])).hexdigest()


def _mentions(value: Any) -> Iterator[str]:
    # A name can stand as a value or, in a conditional suggestion, as a key.
    yield from strings(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if isinstance(inner, dict | list):
                yield from (one for one in _keys(inner))
    elif isinstance(value, list):
        yield from _keys(value)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


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
