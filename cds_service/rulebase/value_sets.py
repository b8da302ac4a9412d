"""A code set as a FHIR R4 ValueSet: what a terminology server or an informaticist can take over."""

from collections.abc import Iterable
from typing import Any

from cds_service.rulebase.concepts import CodeSet, Concept
from cds_service.rulebase.model import RuleBase


def value_set(code_set: CodeSet, rule_base: RuleBase) -> dict[str, Any]:
    """The ValueSet of a code set.

    Members that stand for all longer codes (ICD-10-CM, ATC) become `is-a` filters. What a ValueSet
    cannot say, that some codes count only with a body site, is said in its description.
    """
    members = tuple(dict.fromkeys(code_set.concepts))
    described = f"{code_set.title}. Source: {code_set.source}"
    sited = [one for one in members if one.needs_site]
    if sited:
        told = ", ".join(f"{one.code} (body site in {one.needs_site})" for one in sited)
        described += f". Only with a body site: {told}"
    return {
        "resourceType": "ValueSet",
        "id": code_set.name,
        "url": f"{rule_base.canonical}/ValueSet/{code_set.name}",
        "version": rule_base.version,
        "name": "".join(part.capitalize() for part in code_set.name.split("-")),
        "title": code_set.title,
        "status": "draft",
        "experimental": False,
        "description": described,
        "copyright": code_set.licence,
        "compose": {"include": list(_includes(members))},
    }


def _includes(members: Iterable[Concept]) -> Iterable[dict[str, Any]]:
    listed: dict[str, list[dict[str, str]]] = {}
    stems: list[Concept] = []
    for one in members:
        if one.prefix:
            stems.append(one)
        else:
            listed.setdefault(one.system, []).append({"code": one.code, "display": one.display})
    for system, concepts in listed.items():
        yield {"system": system, "concept": concepts}
    for stem in stems:  # several filters of one include must all hold, so each has its own
        yield {
            "system": stem.system,
            "filter": [{"property": "concept", "op": "is-a", "value": stem.code}],
        }
