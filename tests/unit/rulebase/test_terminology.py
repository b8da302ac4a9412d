"""A coding is found however its system is spelt; another system stays another."""

from time import perf_counter

import pytest

from cds_service import content
from cds_service.rulebase.concepts import CodeSet, Concept
from cds_service.rulebase.loader import load
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.terminology import Terminology, spelling

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM, ICD = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/icd-10-cm"
ATC = "http://www.whocc.no/atc"


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return load(content.texts(content.folder("cards")))


@pytest.fixture(scope="module")
def known(base: RuleBase) -> Terminology:
    return base.terminology


@pytest.mark.parametrize(
    ("code", "own", "spellings"),
    [
        (
            "2823-3",
            LOINC,
            [
                "http://loinc.org/",
                "https://loinc.org",
                "https://loinc.org/",
                "http://www.loinc.org",
                "HTTP://LOINC.ORG",
                " http://loinc.org ",
                "urn:oid:2.16.840.1.113883.6.1",
                "URN:OID:2.16.840.1.113883.6.1",
                "2.16.840.1.113883.6.1",
            ],
        ),
        (
            "44054006",
            SNOMED,
            [
                "https://snomed.info/sct",
                "http://snomed.info/sct/",
                "http://snomed.info/SCT",
                "urn:oid:2.16.840.1.113883.6.96",
            ],
        ),
        (
            "E87.6",
            ICD,
            ["https://hl7.org/fhir/sid/icd-10-cm", f"{ICD}/", "urn:oid:2.16.840.1.113883.6.90"],
        ),
        (
            "4603",
            RXNORM,
            [
                "https://www.nlm.nih.gov/research/umls/rxnorm/",
                "http://www.nlm.nih.gov/research/umls/rxnorm/",
                "urn:oid:2.16.840.1.113883.6.88",
            ],
        ),
        ("C03CA01", ATC, ["https://www.whocc.no/atc", "http://whocc.no/atc/"]),
    ],
)
def test_a_system_is_known_by_each_of_its_spellings(
    known: Terminology, code: str, own: str, spellings: list[str]
) -> None:
    found = known.matches(own, code)
    assert found
    for one in spellings:
        assert known.named(one) == own
        assert known.matches(one, code) == found


@pytest.mark.parametrize("code", [" 2823-3", "2823-3 ", "\t2823-3\n", "\u00a02823-3"])
def test_blanks_around_a_code_are_no_part_of_it(known: Terminology, code: str) -> None:
    assert known.matches(LOINC, code) == known.matches(LOINC, "2823-3")


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("http://loinc.com", "2823-3"),
        ("http://loinc.org/foo", "2823-3"),
        ("http://xloinc.org", "2823-3"),
        ("ftp://loinc.org", "2823-3"),
        ("urn:oid:2.16.840.1.113883.6.10", "2823-3"),
        ("urn:oid:2.16.840.1.113883.6", "2823-3"),
        ("http://hl7.org/fhir/sid/icd-10", "E87.6"),  # WHO's
        ("http://hl7.org/fhir/sid/icd-9-cm", "276.8"),
        ("/", "2823-3"),
        (" ", "2823-3"),
        ("", "2823-3"),
        ("https://", "2823-3"),
        (LOINC, "2823 -3"),
        (LOINC, " "),
        (LOINC, "28233"),
        (SNOMED, "2823-3"),
    ],
)
def test_another_system_or_code_is_not_taken_for_it(known: Terminology, system: str, code: str) -> None:
    assert known.matches(system, code) == ()


def test_a_uri_of_any_length_costs_nothing(known: Terminology) -> None:
    for one in ("/" * 10**7, "http://loinc.org" + "/" * 10**7, "http://loinc.org" + " " * 10**7):
        begun = perf_counter()
        assert known.matches(one, "2823-3") == ()
        assert perf_counter() - begun < 1


def test_no_two_systems_of_the_content_are_spelt_alike(base: RuleBase) -> None:
    owners: dict[str, set[str]] = {}
    for name, uris in base.systems.items():
        for uri in uris:
            owners.setdefault(spelling(uri), set()).add(name)
    assert all(len(names) == 1 for names in owners.values())


def test_a_system_that_content_does_not_know_is_its_own_spelling_alone() -> None:
    concept = Concept("https://ehr.example/codes", "x", "x")
    own = Terminology([CodeSet("s", "s", "ours", "none", (concept,))], [])
    assert own.matches("https://ehr.example/codes", "x")
    assert own.matches("https://ehr.example/codes/", "x") == ()
