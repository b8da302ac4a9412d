"""A response as text that a reviewer reads as a clinician reads the card. Nothing is left out but:

- uuids: derived from the digest of the request, so that another fixture or hook has others;
- version and digest of the rule base: they change with every edit of any rule;
- versions of rules: cards.lock watches over them, and a shared threshold raises those of many;
- the evaluation of rules that did not fire: one more rule would be one more line in every golden.

tests/golden/test_goldens.py changes every other member of a response and expects to see it here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
_SENTENCE = re.compile(r"(?<=[.;]) (?=\S)")
_VERSION = re.compile(r"\b([a-z]+-?\d+[a-z0-9-]*) v\d+\b")
_SYSTEMS = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED CT",
    "http://terminology.hl7.org/CodeSystem/": "HL7 ",
    "https://heavy-legs-cds.example/fhir/CodeSystem/": "own ",
}
BELOW = "\n---\n"  # between what was sent and what was answered


def document(name: str, request: Json, drafts: Json, answers: Mapping[str, Json]) -> str:
    """Return the golden of a patient: what was sent, and the answers of all hooks, equal ones once."""
    sent = "\n".join(_sent(request, drafts))
    return f"# {name}\n\n{sent}\n{BELOW}\n{below(answers)}"


def below(answers: Mapping[str, Json]) -> str:
    """Return the answers of all hooks, equal ones under one heading."""
    same: dict[str, list[str]] = {}
    for hook, body in answers.items():
        same.setdefault(answer(body), []).append(hook)
    return "\n".join(f"## {', '.join(hooks)}\n\n{text}" for text, hooks in same.items())


def _sent(request: Json, drafts: Json) -> Iterator[str]:
    prefetch, now = request["prefetch"], request["extension"]["org.heavylegs.now"]
    yield _flat(prefetch["patient"].get("name", [{}])[0].get("text", "nameless"))
    yield f"(seen on {now[:16]} UTC by {request['context']['userId']})\n"
    for key, value in prefetch.items():
        found = [value] if value.get("resourceType") != "Bundle" else _resources(value)
        if found:
            yield f"- {key}: {', '.join(str(one.get('id', 'no id')) for one in found)}"
    for one in _resources(drafts):
        text = one.get("code", one.get("medicationCodeableConcept", {})).get("text", "no text")
        yield f"- draft order: {one['resourceType']}/{one.get('id')} {_flat(text)}"


def _resources(bundle: Json) -> list[Json]:
    return [entry["resource"] for entry in bundle.get("entry", ())]


def answer(body: Json) -> str:
    """Return one response."""
    cards = [_card(card) for card in body["cards"]] or ["No card.\n"]
    return "\n".join(cards) + "".join(f"\n{line}\n" for line in _beside(body))


def _card(card: Json) -> str:
    return "\n".join(_lines(dict(card))) + "\n"


def _lines(card: dict[str, Any]) -> Iterator[str]:
    card.pop("uuid", None)
    yield f"### {card.pop('indicator')}: {card.pop('summary')}\n"
    yield _VERSION.sub(r"\1 v*", _SENTENCE.sub("\n", card.pop("detail", ""))) + "\n"
    for suggestion in card.pop("suggestions", ()):
        yield from _suggestion(dict(suggestion))
    for reason in card.pop("overrideReasons", ()):
        yield f"- dismiss: {_flat(reason)}"
    source = dict(card.pop("source"))
    yield f"- source: {source.pop('label')}{_rest(source)}"
    extension = dict(card.pop("extension", {}))
    basis = dict(extension.pop("org.heavylegs.basis", {}))
    basis.pop("ruleBase", None)
    yield f"- basis: {', '.join(_rule(rule) for rule in basis.pop('rules', ()))}"
    for kind in ("facts", "missing"):
        for one in basis.pop(kind, ()):
            left = dict(one)
            yield f"  - {'missing ' if kind == 'missing' else ''}{left.pop('name')}{_rest(left)}"
    for left in (basis, extension, card):
        for key, value in left.items():
            yield f"- {key}: {_flat(value)}"


def _rule(rule: Json) -> str:
    return str(rule["id"]) + _rest(
        {key: one for key, one in rule.items() if key not in ("id", "version")}
    )


def _suggestion(suggestion: dict[str, Any]) -> Iterator[str]:
    suggestion.pop("uuid", None)
    actions = suggestion.pop("actions", ())
    recommended = " (recommended)" if suggestion.pop("isRecommended", False) else ""
    yield f"- **[{suggestion.pop('label')}]**{recommended}{_rest(suggestion)}"
    for action in actions:
        left = dict(action)
        resource = dict(left.pop("resource", {}))
        yield f"  - {left.pop('type')}: {left.pop('description')}{_rest(left)}"
        if resource:
            what = [resource.pop("resourceType"), *(resource.pop(key, "-") for key in _STATE)]
            yield f"    - {' '.join(str(one) for one in what)}"
        for key, value in resource.items():
            yield f"    - {key}: {_flat(value)}"


_STATE = ("status", "intent", "priority")


def _beside(body: Json) -> Iterator[str]:
    """What is no card: rules that fired without one, what was not read, and any member unheard of."""
    left = {key: one for key, one in body.items() if key not in ("cards", "extension")}
    extension = dict(body.get("extension", {}))
    for one in extension.pop("org.heavylegs.evaluation", ()):
        if one["outcome"] in ("fires", "failed") and one["shown"] not in ("card", "not-this-hook"):
            said = {key: value for key, value in one.items() if key not in ("id", "version", "missing")}
            yield f"No card of its own: {one['id']}{_rest(said)}"
    for one in extension.pop("org.heavylegs.not-read", ()):
        yield f"Not read: {_flat(one)}"
    for key, value in {**left, **extension}.items():
        yield f"{key}: {_flat(value)}"


def _rest(members: Json) -> str:
    return "".join(f" · {key}: {_flat(value)}" for key, value in members.items())


def _system(url: str) -> str:
    for start, short in _SYSTEMS.items():
        if url.startswith(start):
            return short + url.removeprefix(start)
    return url


def _flat(value: Any) -> str:
    """Any JSON value on one line; a coding as `system|code "display"`, a reference as what it names."""
    if isinstance(value, Mapping):
        if "code" in value and "system" in value:
            left = {key: one for key, one in value.items() if key not in ("system", "code", "display")}
            shown = f' "{value["display"]}"' if "display" in value else ""
            return f"{_system(value['system'])}|{value['code']}{shown}{_rest(left)}"
        return "; ".join(
            _flat(one) if key == "reference" else f"{key} {_flat(one)}" for key, one in value.items()
        )
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(_flat(one) for one in value)
    return " ".join(str(value).split("\n"))
