"""Cases: what a case adds to a fixture is about the fixture's patient."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from cds_service import content
from cds_service.cases import running
from cds_service.cases.running import Case
from cds_service.facts import measurements
from cds_service.rulebase.criteria import Truth
from cds_service.rulebase.model import RuleBase

FIXTURES = content.folder("fhir_fixtures")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def test_what_is_added_to_a_fixture_is_read_as_the_patients_own(shipped: RuleBase) -> None:
    adding = {"observations": [{"code": "loinc 2823-3", "value": 2.4, "unit": "mmol/L", "at": "now"}]}
    case = Case(
        rule="k-01-low-potassium",
        name="a potassium of 2.4 beside a normal one",
        proves="fires",
        place="",
        given={"fixture": "no-symptom", "adding": adding},
        expect={"outcome": "fires", "indicator": "critical"},
        now=NOW,
        hook="patient-view",
        reference="",
    )

    assert running.run(case, shipped, FIXTURES).differences == ()


def test_an_unreadable_entry_leaves_unknown_what_it_is_about(shipped: RuleBase) -> None:
    def of(fact: str, **entry: object) -> Truth:
        drafts = [{"code": "loinc 30691-0", **entry}]
        case = Case(
            rule="j04-oa-imaging-guard",
            name="a knee MRI being ordered",
            proves="missing",
            place="",
            given={"record": {"drafts": drafts}},
            expect={},
            now=NOW,
            hook="order-select",
        )
        return running.posed(case, shipped, FIXTURES)[1].value(fact, "")

    assert of("mri-knee-draft") is True
    assert of("mri-knee-draft", unreadable=True) is None
    assert of("hip-image-draft", unreadable=True) is False


@pytest.mark.parametrize(
    ("section", "entry", "fact"),
    [
        ("conditions", {"code": "icd-10-cm M17.11"}, "knee-oa-dx"),
        ("observations", {"code": "local joint-hot", "value": True, "at": "-1d"}, "joint-hot-now"),
        ("procedures", {"code": "snomed 52734007"}, "joint-prosthesis"),
    ],
)
def test_entries_of_every_list_can_be_unreadable(
    section: str, entry: Mapping[str, object], fact: str, shipped: RuleBase
) -> None:
    given = {"record": {section: [{**entry, "unreadable": True}]}}
    case = Case("j04-oa-imaging-guard", "", "missing", "", given, {}, now=NOW, hook="order-select")

    facts = running.posed(case, shipped, FIXTURES)[1]

    assert facts.value(fact, "") is None
    assert any(why == "unreadable" for _, why in facts.undelivered)


@pytest.mark.parametrize(
    ("potassium", "phrase", "differs"),
    [(2.4, "Potassium 9.9", False), (2.4, "Potassium 2.4", True), (4.2, "Potassium 9.9", True)],
)
def test_a_phrase_that_a_card_must_leave_out(
    potassium: float, phrase: str, differs: bool, shipped: RuleBase
) -> None:
    observations = [{"code": "loinc 2823-3", "value": potassium, "unit": "mmol/L", "at": "now"}]
    given = {"record": {"observations": observations}}
    expect = {"says-not": [phrase]}
    case = Case("k-01-low-potassium", "", "fires", "", given, expect, now=NOW, hook="patient-view")

    found = running.run(case, shipped, FIXTURES).differences

    assert bool(found) is differs
    assert all("says-not" in one for one in found)


def test_no_case_holds_because_the_code_failed(
    shipped: RuleBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise KeyError("broken on purpose")

    monkeypatch.setattr(measurements, "measurement", failing)
    observations = [{"code": "loinc 2823-3", "value": 2.4, "unit": "mmol/L", "at": "now"}]
    given = {"record": {"observations": observations}}
    case = Case(
        "k-01-low-potassium",
        "",
        "missing",
        "",
        given,
        {"outcome": "unknown"},
        now=NOW,
        hook="patient-view",
    )

    found = running.run(case, shipped, FIXTURES).differences

    assert any(one.startswith("fault: ") and "'potassium-lt-2-5'" in one for one in found)
    assert all(one.startswith("fault: ") for one in found)
