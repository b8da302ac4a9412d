"""Every fixture patient but one is valid R4, by three validators that are not ours."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from cds_service import content
from cds_service.cases import fixtures
from tests.r4_validators import Issue, by_fhirkit, by_models, by_pyrofile

FOLDER = content.folder("fhir_fixtures")
NAMES = fixtures.names(FOLDER)

# Not valid R4 on purpose: it is what a service meets, not what it may send.
EXEMPT = {
    "messy": "an Observation whose status is a number, one without a code, a Condition without a code, "
    "a Procedure without a status",
}

# pyrofile: (issue code, place without indexes) → why it is a false alarm. One that no longer occurs
# fails a test, so that the list cannot outlive its reasons.
FALSE_ALARMS = {
    ("element.unknown", "MedicationRequest.dosageInstruction.text"): (
        "R4 has Dosage.text (https://hl7.org/fhir/R4/dosage.html); pyrofile 0.3.0 takes a nested `text` "
        "for narrative"
    ),
    ("element.unknown", "QuestionnaireResponse.item.text"): (
        "R4 has QuestionnaireResponse.item.text; the same mistake of pyrofile 0.3.0"
    ),
    ("questionnaire.unresolved", "QuestionnaireResponse.questionnaire"): (
        "the canonical of our own questionnaire resolves on the running service, not in a bundle"
    ),
}


def written(name: str) -> dict[str, Any]:
    """The bundle as any JSON reader has it: validators know no decimals."""
    whole: dict[str, Any] = json.loads((FOLDER / "patients" / f"{name}.json").read_bytes())
    return whole


def resources_and_bundle(name: str) -> Iterator[dict[str, Any]]:
    whole = written(name)
    yield from fixtures.resources(whole)
    yield whole


@cache
def pyrofile_issues(name: str) -> tuple[Issue, ...]:
    return tuple(by_pyrofile(written(name)))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXEMPT])
def test_valid_by_the_models_of_fhir_resources(name: str) -> None:
    assert [issue for one in resources_and_bundle(name) for issue in by_models(one)] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXEMPT])
def test_valid_by_fhirkit(name: str) -> None:
    assert [issue for one in resources_and_bundle(name) for issue in by_fhirkit(one)] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXEMPT])
def test_valid_by_pyrofile_false_alarms_apart(name: str) -> None:
    assert [issue for issue in pyrofile_issues(name) if issue not in FALSE_ALARMS] == []


@pytest.mark.parametrize("alarm", FALSE_ALARMS, ids=" ".join)
def test_each_false_alarm_still_occurs(alarm: Issue) -> None:
    assert any(alarm in pyrofile_issues(name) for name in NAMES if name not in EXEMPT)


@pytest.mark.parametrize("name", EXEMPT)
def test_an_exempt_bundle_is_wrong_indeed(name: str) -> None:
    wrong = list(fixtures.resources(written(name)))
    assert any(by_models(one) for one in wrong)
    assert any(by_fhirkit(one) for one in wrong)


def seeded(fault: str) -> dict[str, Any]:
    """The bundle of pad-risk with one fault in an Observation."""
    whole = copy.deepcopy(written("pad-risk"))
    observation = next(one for one in fixtures.resources(whole) if one["id"] == "pad-risk-potassium")
    if fault == "no-status":
        del observation["status"]
    elif fault == "unknown-element":
        observation["valueNumber"] = 4
    else:
        observation["status"] = "finished"
    return whole


@pytest.mark.parametrize(
    ("fault", "finders"),
    [
        ("no-status", {"models", "fhirkit", "pyrofile"}),
        ("unknown-element", {"models", "fhirkit", "pyrofile"}),
        ("unknown-code", {"pyrofile"}),  # the other two read no code bindings
    ],
)
def test_the_validators_see_a_seeded_fault(fault: str, finders: set[str]) -> None:
    whole = seeded(fault)
    found = set()
    if any(by_models(one) for one in fixtures.resources(whole)):
        found.add("models")
    if any(by_fhirkit(one) for one in fixtures.resources(whole)):
        found.add("fhirkit")
    if any(issue not in FALSE_ALARMS for issue in by_pyrofile(whole)):
        found.add("pyrofile")
    assert found == finders
