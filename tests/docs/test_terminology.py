"""The table of verified codes that are in no set: none is in one, none stands there twice."""

import re
from collections.abc import Iterator
from pathlib import Path

from scripts.docs.content import rule_base

PAGE = Path(__file__).resolve().parents[2] / "docs" / "terminology.md"
SYSTEMS = {
    "SNOMED CT": "http://snomed.info/sct",
    "LOINC": "http://loinc.org",
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICPC-2": "http://hl7.org/fhir/sid/icpc-2",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ATC": "http://www.whocc.no/atc",
}
ROW = re.compile(r"^\| (?P<system>[A-Z][^`|]*) (?P<codes>`[^|]+`) \|(?P<rest>.*)\|$")


def left_out(page: str) -> Iterator[tuple[str, str]]:
    """System address and code of every row of the table."""
    _, _, table = page.partition("| why in no set |\n")
    for line in table.partition("\n\n")[0].splitlines():
        if row := ROW.match(line):
            assert all(cell.strip() for cell in row["rest"].split("|")), f"no reason: {line}"
            for code in re.findall(r"`([^`]+)`", row["codes"]):
                yield SYSTEMS[row["system"]], code
        else:
            assert line.startswith(("|---", "| **")), f"neither heading nor codes: {line}"


def in_a_set(system: str, code: str) -> list[str]:
    return [
        name
        for name, one in rule_base().code_sets.items()
        for concept in one.concepts
        if concept.system == system
        and (concept.code == code or (concept.prefix and code.startswith(concept.code)))
    ]


def test_no_code_of_the_table_is_in_a_set() -> None:
    codes = list(left_out(PAGE.read_text("utf-8")))
    assert {system for system, _ in codes} == set(SYSTEMS.values())
    assert {code: sets for system, code in codes if (sets := in_a_set(system, code))} == {}


def test_no_code_stands_there_twice() -> None:
    codes = list(left_out(PAGE.read_text("utf-8")))
    assert sorted(codes) == sorted(set(codes))


def test_a_code_in_a_set_is_found_by_itself_and_by_its_stem() -> None:
    assert "dehydration" in in_a_set(SYSTEMS["ICD-10-CM"], "E86.0")
    assert "deep-vein-thrombosis-before" in in_a_set(SYSTEMS["ICD-10-CM"], "I82.509")
    assert in_a_set(SYSTEMS["SNOMED CT"], "E86.0") == []
