"""What has to be looked at again by now: rules against their sources, codes in their code systems."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import msgspec

from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.reading import Document

YEARLY = timedelta(
    days=365
)  # LOINC, ICD-10-CM and the guidelines behind the rules change about once a year


class Checked(msgspec.Struct, frozen=True):
    """A code set: how many codes of which systems, where they came from, when they were looked up."""

    name: str
    source: str
    day: date | None
    codes: Mapping[str, int]

    def overdue(self, today: date) -> bool:
        """Whether it was not looked up within a year."""
        return self.day is None or today - self.day > YEARLY


def code_sets(rule_base: RuleBase, documents: Mapping[str, list[Document]]) -> list[Checked]:
    """Every code set, the ones looked up longest ago first, then by source and name."""
    short = {uris[0]: name for name, uris in rule_base.systems.items()}
    days = {
        name: document.value.get("checked")
        for document in documents["terminology"]
        for name in document.value.get("code-sets", {})
    }
    found = [
        Checked(
            name,
            one.source,
            date.fromisoformat(days[name]) if days.get(name) else None,
            Counter(short.get(concept.system, concept.system) for concept in one.concepts),
        )
        for name, one in rule_base.code_sets.items()
    ]
    return sorted(found, key=lambda one: (one.day or date.min, one.source, one.name))


def overdue_rules(rule_base: RuleBase, today: date) -> Iterator[str]:
    """What to say of each rule that nobody went through within a year."""
    for rule in rule_base.rules.values():
        if rule.status != "retired" and today - date.fromisoformat(rule.reviewed) > YEARLY:
            yield f"{rule.id}: last gone through against its sources on {rule.reviewed}; a year is over"
