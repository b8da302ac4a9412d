"""Every resource that a card offers, of every fixture patient and every case, by HAPI's validator."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.cases import running as cases
from cds_service.rulebase.model import RuleBase
from cds_service.settings import Settings
from tests.ehr_client.ehr import exact
from tests.golden import pairs
from tests.integration.hapi.running import Issue, Validator

pytestmark = pytest.mark.hapi

Json = dict[str, Any]
# (rule of the validator, place without indexes) → why it is a false alarm. One that no longer occurs
# is taken out of here.
FALSE_ALARMS: Mapping[tuple[str, str], str] = {}
WRONG = ("error", "fatal")
REFERENCE = re.compile(r'("reference":"(?:https?://[^"]+/)?[A-Za-z]+/)[^"]+"')
DAY = re.compile(r'"\d{4}-\d\d-\d\d(?:T[^"]*)?"')
REPEATED = re.compile(r'(\{"reference":"[^"]*"\})(?:,\1)+')


def of_fixtures(client: FlaskClient) -> Iterator[tuple[str, Json]]:
    """(patient and hook, resource) for every patient whose golden is on file."""
    for name in pairs.names():
        for service, request in pairs.requests(name):
            body = exact.encode(request)
            answer = msgspec.json.decode(client.post(f"/cds-services/{service.id}", data=body).data)
            for card in answer["cards"]:
                for suggestion in card.get("suggestions", ()):
                    for action in suggestion["actions"]:
                        if "resource" in action:
                            yield f"{name} at {service.hook}", action["resource"]


def of_cases(texts: Mapping[str, str], shipped: RuleBase) -> Iterator[tuple[str, Json]]:
    """(place of the case, resource) for every case beside a rule."""
    for case in cases.read(texts, shipped):
        for card in cases.decided(case, shipped, pairs.FOLDER).cards:
            for suggestion in card.suggestions:
                for action in suggestion.actions:
                    if action.resource is not None:
                        yield case.place, dict(action.resource)


def shape(resource: bytes) -> str:
    """What makes a resource valid or not: all of it but whose ids and days it has, and how many."""
    text = REFERENCE.sub(r'\1id"', DAY.sub('"day"', resource.decode()))
    return REPEATED.sub(r"\1", text)


@pytest.fixture(scope="module")
def offered(
    shipped_texts: dict[str, str], shipped: RuleBase, tmp_path_factory: pytest.TempPathFactory
) -> dict[bytes, str]:
    """Return a resource of each shape as JSON, and where it is first offered."""
    audit = tmp_path_factory.mktemp("service") / "audit.sqlite3"
    app = create_app(Settings(audit_db=audit, allow_now=True, rate=""))
    found: dict[str, tuple[bytes, str]] = {}
    for where, resource in (*of_fixtures(app.test_client()), *of_cases(shipped_texts, shipped)):
        written = exact.encode(resource)
        found.setdefault(shape(written), (written, where))
    return dict(found.values())


def test_every_offered_resource_is_valid_r4(validator: Validator, offered: dict[bytes, str]) -> None:
    assert {msgspec.json.decode(one)["resourceType"] for one in offered} >= {"ServiceRequest", "Task"}
    assert len(offered) > 200
    wrong = []
    known: set[tuple[str, str]] = set()
    for resource, where in offered.items():
        for issue in errors(validator, resource):
            kind = (issue.rule, re.sub(r"\[\d+\]", "", issue.location))
            if kind in FALSE_ALARMS:
                known.add(kind)
            else:
                wrong.append(f"{where}: {issue.rule} at {issue.location}: {issue.message}")
    assert not wrong, "\n".join(wrong)
    assert known == FALSE_ALARMS.keys()


def errors(validator: Validator, resource: bytes) -> list[Issue]:
    """Return what is wrong; a code that cannot be looked up here is a warning and no error."""
    return [one for one in validator.issues(resource) if one.severity in WRONG]


SOUND: Json = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "proposal",
    "code": {"text": "ECG"},
    "orderDetail": [{"text": "now"}],
    "subject": {"reference": "Patient/1"},
}


def test_the_validator_has_nothing_against_a_sound_order(validator: Validator) -> None:
    assert errors(validator, exact.encode(SOUND)) == []


@pytest.mark.parametrize(
    ("element", "value", "rule"),
    [
        ("subject", None, "Validation_VAL_Profile_Minimum"),
        ("status", "bogus", "Terminology_TX_NoValid_16"),
        ("occurrenceDateTime", "2026-13-45", "Type_Specific_Checks_DT_DateTime_Valid"),
        ("orderedBy", "x", "parser"),
        ("code", None, "http://hl7.org/fhir/StructureDefinition/ServiceRequest#prr-1"),
    ],
)
def test_the_validator_notices(validator: Validator, element: str, value: Any, rule: str) -> None:
    broken = {**SOUND, element: value}
    if value is None:
        del broken[element]
    assert rule in {one.rule for one in errors(validator, exact.encode(broken))}
