"""Content text in, a rule base out, or *all* that is wrong with it.

Takes text, never a path: where the files are is `content`'s business, and a test can load a rule
base from strings.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

from cds_service.failures import BrokenRuleBase, ContentProblem
from cds_service.hooks.service import Service
from cds_service.rulebase import (
    bounds,
    building,
    building_facts,
    checks,
    lock,
    model,
    names,
    reading,
    shape,
)
from cds_service.rulebase.concepts import CodeSet, Concept
from cds_service.rulebase.numbers import labelled
from cds_service.rulebase.terminology import Terminology
from cds_service.rulebase.wording import wording

KINDS = ("terminology", "thresholds", "facts", "orders", "services", "global", "suppression")
_FOLDERS = {"terminology", "thresholds", "facts", "orders"}
Documents = dict[str, list[reading.Document]]
_SINGLE = {"services.yaml": "services", "global.yaml": "global", "suppression.yaml": "suppression"}


def kind_of(file: str) -> str:
    """Which schema a content file (path relative to the content folder) is held to."""
    if file in _SINGLE:
        return _SINGLE[file]
    if file.endswith(".cases.yaml"):
        return "cases"
    folder = file.split("/", 1)[0]
    return folder if folder in _FOLDERS else "rule"


def load(texts: Mapping[str, str], *, locked: bool = True, cases: bool | str = False) -> model.RuleBase:
    """Read a whole rule base.

    Args:
        texts: file (relative, with `/`) → text; the `*.schema.json` and `cards.lock` among them.
        locked: whether it must be the one that `cards.lock` names; not while a rule is being written.
        cases: whether the cases beside the rules are read as well, or the id of the one rule whose cases
            are. A service that starts needs none of them, and they are half of the reading.

    Raises:
        BrokenRuleBase: with every problem found, each with file and line.
    """
    served = {file: text for file, text in texts.items() if _is_read(file, cases)}
    read = documents_of(served)
    rule_base, problems = _examined(*read, lock_text=_lock_text(texts) if locked else None, cases=cases)
    if rule_base is None or problems:
        raise BrokenRuleBase(problems)
    return rule_base


def _is_read(file: str, cases: bool | str) -> bool:
    if isinstance(cases, str) and kind_of(file) == "cases":
        return file.rsplit("/", 1)[-1] == f"{cases}.cases.yaml"
    return bool(cases) or kind_of(file) != "cases"


def examine(
    texts: Mapping[str, str], *, check_lock: bool = True
) -> tuple[model.RuleBase | None, list[ContentProblem]]:
    """Read a rule base with its cases and list its problems; None when it cannot be built."""
    return examine_read(*documents_of(texts), lock_text=_lock_text(texts) if check_lock else None)


def examine_read(
    documents: Documents, problems: list[ContentProblem], *, lock_text: str | None
) -> tuple[model.RuleBase | None, list[ContentProblem]]:
    """The same of files that were read already (`documents_of`): reading them takes the longest.

    `lock_text` is what `cards.lock` says; None leaves it out.
    """
    return _examined(documents, problems, lock_text=lock_text, cases=True)


def _lock_text(texts: Mapping[str, str]) -> str:
    return texts.get("cards.lock", "")


def _examined(
    documents: Documents, misread: list[ContentProblem], *, lock_text: str | None, cases: bool | str
) -> tuple[model.RuleBase | None, list[ContentProblem]]:
    problems = list(misread)
    if problems:
        return None, sorted(problems, key=_place)
    problems.extend(names.unresolved(documents))
    if problems:
        return None, sorted(problems, key=_place)
    rule_base = _assemble(documents)
    problems.extend(checks.house_rules(rule_base, documents))
    if cases:
        only = cases if isinstance(cases, str) else ""
        problems.extend(checks.proof_rules(rule_base, documents, only))
        problems.extend(bounds.problems(rule_base, documents))
    rule_base = lock.with_digests(rule_base, documents)
    if lock_text is not None:
        problems.extend(lock.differences(rule_base, lock_text, documents))
    return rule_base, sorted(problems, key=_place)


def _place(problem: ContentProblem) -> tuple[str, int]:
    return problem.file, problem.line


def documents_of(texts: Mapping[str, str]) -> tuple[Documents, list[ContentProblem]]:
    """The content files by kind, as plain values, and all that keeps any of them from being read."""
    problems: list[ContentProblem] = []
    documents: Documents = {kind: [] for kind in (*KINDS, "rule", "cases")}
    validators = _validators(texts)
    for file in sorted(texts):
        if not file.endswith(".yaml"):
            continue
        document, trouble = reading.read(file, texts[file])
        problems.extend(trouble)
        if trouble:
            continue
        kind = kind_of(file)
        wrong = list(_misshapen(document, validators[kind]))
        problems.extend(wrong)
        if not wrong:
            documents[kind].append(document)
    problems.extend(
        ContentProblem(file, 1, "the file is missing") for file in _SINGLE if file not in texts
    )
    return documents, problems


def _validators(texts: Mapping[str, str]) -> dict[str, jsonschema.Draft202012Validator]:
    found = {}
    for kind in (*KINDS, "rule", "cases"):
        file = f"{kind}.schema.json"
        if file not in texts:
            raise BrokenRuleBase([ContentProblem(file, 1, "the schema is missing")])
        found[kind] = shape.validator(json.loads(texts[file]))
    return found


def _misshapen(
    document: reading.Document, validator: jsonschema.Draft202012Validator
) -> Iterator[ContentProblem]:
    for error in validator.iter_errors(document.value):
        deepest = jsonschema.exceptions.best_match([error]) or error
        path = tuple(deepest.absolute_path)
        where = "/".join(str(part) for part in path) or "the file"
        yield document.problem(path, f"{where}: {_short(deepest.message)}")


def _short(message: str, longest: int = 300) -> str:
    return message if len(message) <= longest else f"{message[: longest // 2]} … {message[-40:]}"


def merged(documents: list[reading.Document], section: str) -> dict[str, Any]:
    """One section of all files of a kind, as one mapping (`names` has refused duplicates)."""
    whole: dict[str, Any] = {}
    for document in documents:
        whole.update(document.value.get(section, {}))
    return whole


def _assemble(documents: Mapping[str, list[reading.Document]]) -> model.RuleBase:
    terminology = documents["terminology"]
    systems = {
        name: (value["uri"], *value.get("also", ()))
        for name, value in merged(terminology, "systems").items()
    }
    glob = documents["global"][0].value
    rules = [building.rule(document.value) for document in documents["rule"]]
    facts = merged(documents["facts"], "facts")
    code_sets = _code_sets(merged(terminology, "code-sets"), systems)
    orders = merged(documents["orders"], "orders")
    thresholds = {
        name: building.threshold(name, value)
        for name, value in merged(documents["thresholds"], "thresholds").items()
    }
    return model.RuleBase(
        version=glob["version"],
        digest="",
        canonical=glob["canonical"],
        rules={rule.id: rule for rule in sorted(rules, key=lambda rule: rule.id)},
        facts=labelled(
            {name: building_facts.fact(name, value) for name, value in facts.items()}, thresholds
        ),
        scores={
            name: building_facts.score(name, value)
            for name, value in merged(documents["facts"], "scores").items()
        },
        thresholds=thresholds,
        analytes={
            name: building.analyte(name, value)
            for name, value in merged(documents["thresholds"], "analytes").items()
        },
        code_sets=code_sets,
        terminology=Terminology(code_sets.values(), systems.values()),
        systems=systems,
        wording=wording(merged(terminology, "phrases"), merged(terminology, "phrase-words"), systems),
        medicine_names={
            name: tuple((systems[one["system"]][0], one["code"]) for one in value["codes"])
            for value in merged(terminology, "medicine-names").values()
            for name in value["names"]
        },
        unread_medicines=frozenset(
            name for value in merged(terminology, "unread-medicines").values() for name in value["names"]
        ),
        local_codes={
            name: building.local_code(name, value)
            for name, value in merged(terminology, "local-codes").items()
        },
        questionnaires={
            name: model.Questionnaire(name, value["title"], tuple(value["items"]), value["source"])
            for name, value in merged(terminology, "questionnaires").items()
        },
        orders={name: building.order(name, value, systems) for name, value in orders.items()},
        panels={
            name: building.panel(name, value)
            for name, value in merged(documents["orders"], "panels").items()
        },
        services=_services(documents["services"][0].value),
        override_reasons={
            name: building.override_reason(name, value, systems)
            for name, value in documents["suppression"][0].value["override-reasons"].items()
        },
        globals=model.Global(
            silent_when=tuple(glob["silent-when"]),
            info_silent_when=tuple(glob["info-silent-when"]),
            critical_adds=dict(glob.get("critical-adds", {})),
            card_cap=glob["card-cap"],
            entry=glob["entry"],
            rank=tuple(glob["rank"]),
            regions=glob.get("regions", {}),
        ),
    )


def _code_sets(sets: Mapping[str, Any], systems: Mapping[str, tuple[str, ...]]) -> dict[str, CodeSet]:
    def members(name: str) -> tuple[Concept, ...]:
        found: list[Concept] = []
        for include in sets[name]["include"]:
            if "set" in include:
                found.extend(members(include["set"]))
            else:
                found.extend(building.concepts(include, systems))
        return tuple(dict.fromkeys(found))

    return {
        name: CodeSet(name, value["title"], value["source"], value["licence"], members(name))
        for name, value in sets.items()
    }


def _services(value: Mapping[str, Any]) -> dict[str, Service]:
    templates = value["prefetch"]
    limited = tuple(value.get("limited-by-date", ()))
    return {
        one["id"]: Service(
            id=one["id"],
            hook=one["hook"],
            title=one["title"],
            description=one["description"],
            prefetch={key: templates[key] for key in one["prefetch"] if key in templates},
            usage_requirements=one.get("usageRequirements", ""),
            limited=tuple(key for key in limited if key in one["prefetch"]),
        )
        for one in value["services"]
    }
