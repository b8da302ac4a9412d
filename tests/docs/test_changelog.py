"""The changelog says of every rule which patients get a card by it."""

import re
from pathlib import Path

from scripts.docs.content import rule_base, short

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"


def test_every_rule_is_named_in_a_bullet_of_the_rule_base() -> None:
    _, _, clinical = CHANGELOG.read_text("utf-8").partition("\n### Rule base\n")
    clinical, heading, _ = clinical.partition("\n### Software\n")
    assert heading
    lines = clinical.splitlines(keepends=True)
    bullets = "".join(line for line in lines if line.startswith(("- ", "  ")))
    named = {one.upper() for one in re.findall(r"\b[A-Z]+-?[A-Z0-9]+b?\b", bullets)}
    assert {short(rule) for rule in rule_base().rules.values()} - named == set()
