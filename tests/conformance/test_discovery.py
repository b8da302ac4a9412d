"""Discovery: requirements, section B and E."""

import re
from typing import Any
from urllib.parse import parse_qsl

import pytest
from flask.testing import FlaskClient

from cds_service.hooks import schemas
from tests.conformance.calls import HOOKS, Json, answered, empties

KEYS = {
    "patient",
    "conditions",
    "laboratory",
    "specimens",
    "vitals",
    "findings",
    "medicationRequests",
    "medicationRequestsEnded",
    "medicationStatements",
    "procedures",
    "serviceRequests",
    "diagnosticReports",
    "devices",
    "encounter",
    "questionnaireResponses",
}
# Searched type → the parameter that is a reference to the patient, and its other parameters (FHIR R4).
DATES = {"date", "authored", "authoredon", "effective", "recorded-date", "onset-date", "collected"}
TOKENS = {"category", "status", "code", "clinical-status", "intent"}
CONTROLS = {"_count", "_sort"}
PATIENT = "{{context.patientId}}"
READ = re.compile(r"(?P<type>[A-Z][A-Za-z]+)/\{\{context\.(?P<field>[A-Za-z]+)\}\}")
TOKEN = re.compile(r"\{\{([^{}]*)\}\}")
# Root-level primitive fields marked "Prefetch Token: Yes" that all of our hooks share.
FIELDS = {"context.userId", "context.patientId", "context.encounterId"} | {
    "userPractitionerId",
    "userPractitionerRoleId",
    "userPatientId",
    "userRelatedPersonId",
}
DATE_VALUE = re.compile(r"(eq|lt|gt|ge|le)?\d{4}(-\d\d(-\d\d)?)?")


@pytest.fixture
def services(client: FlaskClient) -> list[Json]:
    found: list[Json] = answered(client.get("/cds-services"))["services"]
    return found


def templates(services: list[Json]) -> list[tuple[str, str]]:
    return [pair for service in services for pair in service["prefetch"].items()]


@pytest.mark.requirement(4)
@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/"])
def test_it_is_at_the_one_place_with_or_without_a_last_slash(client: FlaskClient, path: str) -> None:
    found = client.get(path)
    assert answered(found).keys() == {"services"}
    assert found.data == client.get("/cds-services").data


@pytest.mark.requirement(4)
@pytest.mark.parametrize(
    "path", ["/cds-service", "/CDS-Services", "/cds-services.json", "/v1/cds-services"]
)
def test_it_is_nowhere_else(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.requirement(5)
def test_it_has_the_shape_that_cds_hooks_gives_it(client: FlaskClient) -> None:
    found = answered(client.get("/cds-services"))
    schemas.validator("discovery").validate(found)
    assert list(empties(found)) == []


@pytest.mark.requirement(5)
@pytest.mark.parametrize("member", ["hook", "id", "title", "description"])
def test_each_service_says_what_it_is(services: list[Json], member: str) -> None:
    assert services
    for service in services:
        assert isinstance(service[member], str)
        assert service[member].strip()


@pytest.mark.requirement(6)
def test_the_version_is_the_one_of_cds_hooks_that_is_implemented(services: list[Json]) -> None:
    assert {service["version"] for service in services} == {"2.0.1"}


@pytest.mark.requirement(7)
@pytest.mark.requirement(68, 106)
def test_there_is_one_service_per_hook_with_an_id_of_its_own(services: list[Json]) -> None:
    found = {service["id"]: service["hook"] for service in services}
    assert len(found) == len(services)
    for hook in HOOKS:
        assert found[f"heavy-legs-{hook}"] == hook
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in found)
    assert not set(found.values()) & {"medication-prescribe", "order-review"}  # deprecated


@pytest.mark.requirement(8)
def test_a_token_sent_along_does_no_harm(client: FlaskClient) -> None:
    assert answered(client.get("/cds-services", headers={"Authorization": "Bearer x.y.z"}))


@pytest.mark.requirement(9)
def test_the_prefetch_keys_are_the_agreed_ones(services: list[Json]) -> None:
    for service in services:
        assert set(service["prefetch"]) == KEYS


@pytest.mark.requirement(9)
def test_a_key_means_the_same_in_every_service(services: list[Json]) -> None:
    first, *others = (service["prefetch"] for service in services)
    assert all(other == first for other in others)


def problems(template: str) -> list[str]:
    """Say what of a template lies outside the 2.0 subset (items 16 to 18)."""
    found = [f"token {token}" for token in TOKEN.findall(template) if token not in FIELDS]
    if "{" in TOKEN.sub("", template) or "}" in TOKEN.sub("", template):
        found.append("braces")
    if "://" in template or template.startswith("/"):
        found.append("not relative")
    if READ.fullmatch(template) or template == "{{context.userId}}":
        return found
    searched, mark, query = template.partition("?")
    if not mark or not re.fullmatch(r"[A-Z][A-Za-z]+", searched):
        return [*found, "neither read nor search"]
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=True):
        found += parameter_problems(name, value)
    return found


def parameter_problems(name: str, value: str) -> list[str]:
    if name == "patient":
        return [] if value == PATIENT else [f"patient={value}"]
    if name in CONTROLS:
        wanted = r"[1-9]\d*" if name == "_count" else r"-?[a-z-]+(,-?[a-z-]+)*"
        return [] if re.fullmatch(wanted, value) else [f"{name}={value}"]
    if name in DATES:
        return [] if DATE_VALUE.fullmatch(value) else [f"{name}={value}"]
    base, _, modifier = name.partition(":")
    if base not in TOKENS or modifier not in ("", "in") or not value:
        return [f"{name}={value}"]
    return []


@pytest.mark.requirement(16, 17, 18, 19, 20)
def test_every_template_lies_in_the_subset(services: list[Json]) -> None:
    wrong = {key: problems(text) for key, text in templates(services) if problems(text)}
    assert wrong == {}


@pytest.mark.requirement(17)
def test_a_token_is_a_field_that_the_hook_has(services: list[Json]) -> None:
    for service in services:
        for text in service["prefetch"].values():
            for token in TOKEN.findall(text):
                assert token in ("context.patientId", "context.encounterId", "context.userId")


@pytest.mark.parametrize(
    "outside",
    [
        "Condition?patient={{context.patientId}}&_include=Condition:encounter",
        "Condition?patient={{context.patientId}}&sort:desc=date",
        "Condition?patient={{context.patientId}}&code:text=leg",
        "Condition?patient={{context.patientId}}&date=ne2020",
        "Observation?patient={{context.patientId}}&date=ge{{today() - 90 days}}",
        "Condition?patient={{context.patientId}}&_has:Observation:patient:code=1",
        "Condition?subject.name=x",
        "https://ehr.example/Patient/{{context.patientId}}",
        "Patient/{{%patient.id}}",
        "Patient/{{context.draftOrders}}",
    ],
)
def test_this_modules_own_parser_finds_what_lies_outside(outside: str) -> None:
    assert problems(outside)


@pytest.mark.requirement(19)
def test_a_sorted_list_is_sorted_from_the_newest(services: list[Json]) -> None:
    for _, text in templates(services):
        for name, value in parse_qsl(text.partition("?")[2]):
            assert name != "_sort" or value in ("-date", "-authored", "-authoredon", "-collected")


def test_conditions_are_never_limited_by_status(services: list[Json]) -> None:
    found: set[Any] = {service["prefetch"]["conditions"] for service in services}
    assert all("status" not in text for text in found)
