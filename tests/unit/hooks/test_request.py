"""The envelope of a hook request, checked before any resource is looked at."""

import json
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from cds_service.failures import Failure, Kind
from cds_service.hooks.request import HookRequest, parse

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
DRAFTS = {"resourceType": "Bundle", "entry": []}
HOOKS = ("patient-view", "encounter-start", "order-select", "order-sign")
SERVED = HOOKS
AUTHORIZATION = {
    "access_token": "secret-token",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/Patient.read",
    "subject": "client-id",
    "patient": "1288992",
}


def body(hook: str = "patient-view", /, **members: Any) -> dict[str, Any]:
    """Return a request of the specification's kind; a member given as `...` is left out."""
    context: dict[str, Any] = {"userId": "Practitioner/example", "patientId": "1288992"}
    if hook.startswith("order-"):
        context["draftOrders"] = DRAFTS
    if hook == "order-select":
        context["selections"] = ["ServiceRequest/1"]
    if hook.startswith("encounter-"):
        context["encounterId"] = "89284"
    whole = {"hook": hook, "hookInstance": INSTANCE, "context": context, **members}
    return {key: value for key, value in whole.items() if value is not ...}


def in_context(hook: str = "patient-view", /, **changed: Any) -> dict[str, Any]:
    whole = body(hook)
    context = {**whole["context"], **changed}
    return {**whole, "context": {key: value for key, value in context.items() if value is not ...}}


def read(whole: Any, hook: str = "patient-view") -> HookRequest:
    raw = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
    return parse(raw, service=f"heavy-legs-{hook}", hook=hook, client="tester")


def refusal(whole: Any, hook: str = "patient-view") -> Failure:
    with pytest.raises(Failure) as caught:
        read(whole, hook)
    return caught.value


@pytest.mark.requirement(10)
@pytest.mark.parametrize("hook", SERVED)
def test_the_question_is_read(hook: str) -> None:
    whole = body(hook, fhirServer="https://ehr.example/fhir", fhirAuthorization=AUTHORIZATION)
    whole["context"]["encounterId"] = "89284"
    raw = json.dumps(whole).encode()
    found = read(raw, hook)
    question = found.question
    assert question.hook == hook
    assert question.service == f"heavy-legs-{hook}"
    assert question.hook_instance == INSTANCE
    assert (question.patient, question.encounter) == ("1288992", "89284")
    assert (question.user, question.user_type) == ("Practitioner/example", "Practitioner")
    assert question.selections == (("ServiceRequest/1",) if hook == "order-select" else ())
    assert (question.client, question.fhir_server) == ("tester", "https://ehr.example/fhir")
    assert question.digest == sha256(raw).hexdigest()
    assert found.authorization is not None
    assert (found.draft_orders is not None) == hook.startswith("order-")


@pytest.mark.requirement(22)
def test_the_token_is_nowhere_in_what_is_read() -> None:
    whole = body(fhirServer="https://ehr.example", fhirAuthorization=AUTHORIZATION)
    assert "secret-token" not in repr(read(whole))


@pytest.mark.requirement(3)
def test_unknown_members_and_extensions_are_ignored() -> None:
    whole = body(
        extension={"com.epic.cdshooks.request.bpa-trigger-action": "60", "n": {"deep": [1.5, None]}},
        somethingNew={"x": [1]},
        prefetch={"unheard-of": None},
    )
    whole["context"]["com.example.more"] = {"y": 1}
    same = msgspec.structs.replace(read(whole).question, digest="")
    assert same == msgspec.structs.replace(read(body()).question, digest="")


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    "instance",
    [INSTANCE, INSTANCE.upper(), "a5da1d57-4d5e-11ee-be56-0242ac120002", "x", " 7 ", "ä" * 300],
)
def test_any_hook_instance_that_is_not_empty_is_taken(instance: str) -> None:
    assert read(body(hookInstance=instance)).question.hook_instance == instance


BAD_TYPES: list[Any] = [None, 5, 1.5, True, [], ["x"], {"x": 1}]


@pytest.mark.requirement(11)
@pytest.mark.parametrize("name", ["hook", "hookInstance"])
@pytest.mark.parametrize("value", [..., "", *BAD_TYPES])
def test_the_required_strings(name: str, value: Any) -> None:
    found = refusal(body(**{name: value}))
    assert found.kind is Kind.INCORRECT
    assert name in f"{found.where} {found.what}"


@pytest.mark.requirement(11)
@pytest.mark.parametrize("value", [..., None, "", "text", 5, True, [], ["x"], {}])
def test_the_context_is_an_object_that_holds_something(value: Any) -> None:
    found = refusal(body(context=value))
    assert found.kind is Kind.INCORRECT
    assert "context" in f"{found.where} {found.what}"


CONTEXTS = {
    "patient-view": ("userId", "patientId"),
    "encounter-start": ("userId", "patientId", "encounterId"),
    "order-select": ("userId", "patientId", "selections", "draftOrders"),
    "order-sign": ("userId", "patientId", "draftOrders"),
}


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    ("hook", "field", "value"),
    [
        (hook, field, value)
        for hook, fields in CONTEXTS.items()
        for field in fields
        for value in [..., *BAD_TYPES]
        if not (field == "selections" and isinstance(value, list) and value != [1])
    ],
)
def test_the_required_fields_of_each_context(hook: str, field: str, value: Any) -> None:
    found = refusal(in_context(hook, **{field: value}), hook)
    assert found.kind is Kind.INCORRECT
    assert found.where.startswith("context")
    assert field in f"{found.where} {found.what}" or found.where.startswith(f"context.{field}")


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    "drafts", [{}, {"resourceType": "ServiceRequest"}, {"resourceType": 5}, "Bundle"]
)
def test_draft_orders_are_a_bundle(drafts: Any) -> None:
    found = refusal(in_context("order-sign", draftOrders=drafts), "order-sign")
    assert (found.kind, found.where[:19]) == (Kind.INCORRECT, "context.draftOrders")


@pytest.mark.requirement(69)
@pytest.mark.parametrize("selections", ["ServiceRequest/1", [1], [None], [""], {}])
def test_selections_are_references(selections: Any) -> None:
    found = refusal(in_context("order-select", selections=selections), "order-select")
    assert (found.kind, found.where[:18]) == (Kind.INCORRECT, "context.selections")


@pytest.mark.parametrize("field", ["patientId", "encounterId"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "a b",
        "a/b",
        "Patient/77",
        "../x",
        "a\\b",
        "a?x=1",
        "a#b",
        "a\n",
        "a\x00",
        "\x1b[31m",
        "a\x7f",
        "\u2028",
        "\xa0",
        "x" * 513,
    ],
)
def test_an_id_that_could_leave_its_place_in_a_url_is_refused(field: str, value: str) -> None:
    found = refusal(in_context(**{field: value}))
    assert (found.kind, found.where) == (Kind.INCORRECT, f"context.{field}")
    assert len(value) < 2 or value not in str(found)


@pytest.mark.requirement(91)
@pytest.mark.parametrize(
    "value", ["e" * 194, "eq081-VQEgP8drUUqCWzHfw3", "é", "a.b-c_d", "a%20b", "123|4"]
)
def test_long_and_odd_ids_are_taken(value: str) -> None:
    assert read(in_context(patientId=value)).question.patient == value


@pytest.mark.requirement(11)
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("service", SERVED)
def test_the_hook_is_the_one_of_the_service(hook: str, service: str) -> None:
    if hook == service:
        return
    whole = in_context("order-select", encounterId="89284") | {"hook": hook}
    found = refusal(whole, service)
    assert (found.kind, found.where) == (Kind.INCORRECT, "hook")


def test_another_hook_is_told_before_what_its_context_lacks() -> None:
    whole = body() | {"hook": "encounter-start"}

    assert refusal(whole, "patient-view").where == "hook"
    assert refusal(body(), "encounter-start").where == "hook"  # not that it has no encounterId


def test_a_missing_member_is_asked_for_by_name() -> None:
    whole = body() | {"hook": "encounter-start"}
    found = refusal(whole, "encounter-start")

    assert found.what == "is missing encounterId"
    assert found.todo.startswith("send context.encounterId: the id of the Encounter")


@pytest.mark.requirement(11)
def test_an_authorization_needs_the_server_it_is_for() -> None:
    found = refusal(body(fhirAuthorization=AUTHORIZATION))
    assert found.kind is Kind.INCORRECT
    assert "fhirServer" in str(found)


@pytest.mark.requirement(21)
@pytest.mark.parametrize("field", ["access_token", "token_type", "expires_in", "scope", "subject"])
def test_an_authorization_is_whole(field: str) -> None:
    less = {key: value for key, value in AUTHORIZATION.items() if key != field}
    found = refusal(body(fhirServer="https://ehr.example", fhirAuthorization=less))
    assert (found.kind, found.where) == (Kind.INCORRECT, "fhirAuthorization")
    assert field in found.what


@pytest.mark.requirement(21)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_type", "MAC"),
        ("expires_in", "300"),
        ("expires_in", 1.5),
        ("access_token", ""),
        ("scope", 5),
    ],
)
def test_the_parts_of_an_authorization_have_their_types(field: str, value: Any) -> None:
    found = refusal(
        body(fhirServer="https://x.example", fhirAuthorization={**AUTHORIZATION, field: value})
    )
    assert (found.kind, found.where) == (Kind.INCORRECT, f"fhirAuthorization.{field}")
    assert "secret-token" not in str(found)


@pytest.mark.requirement(21)
def test_a_scope_that_is_no_smart_scope_is_taken() -> None:
    epic = {**AUTHORIZATION, "scope": "PATIENT.READ,OBSERVATION.READ"}
    assert read(body(fhirServer="https://ehr.example", fhirAuthorization=epic)).authorization


@pytest.mark.requirement(23)
@pytest.mark.parametrize("other", ["1288993", "Patient/1288992", "1288992 "])
def test_an_authorization_for_another_patient_is_forbidden(other: str) -> None:
    whole = body(fhirServer="https://x.example", fhirAuthorization={**AUTHORIZATION, "patient": other})
    found = refusal(whole)
    assert (found.kind, found.where) == (Kind.FORBIDDEN, "fhirAuthorization.patient")
    assert "1288993" not in str(found)


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    "value", ["Mustermann", 5, 1.5, True, ["Mustermann"], [{"resourceType": "Patient"}]]
)
@pytest.mark.parametrize("key", ["patient", "conditions", "laboratory", "unheard-of"])
def test_a_prefetch_value_is_an_object_or_null(key: str, value: Any) -> None:
    found = refusal(body(prefetch={key: value}))
    assert (found.kind, found.where) == (Kind.INCORRECT, f"prefetch.{key}")
    assert "Mustermann" not in str(found)


@pytest.mark.parametrize("value", ["Mustermann", 5, True, ["Mustermann"]])
def test_prefetch_is_an_object(value: Any) -> None:
    found = refusal(body(prefetch=value))
    assert (found.kind, found.where) == (Kind.INCORRECT, "prefetch")


@pytest.mark.parametrize("resource_type", [5, None, "", [], {}])
def test_an_object_that_is_no_resource_is_left_to_the_reading_of_prefetch(resource_type: Any) -> None:
    assert read(body(prefetch={"laboratory": {"resourceType": resource_type}})).prefetch.keys() == {
        "laboratory"
    }


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"hook":', b'"hook": "patient-view", "hook":', "the body"),
        (b'"patientId":', b'"patientId": "other", "patientId":', "context"),
        (b'"prefetch": {', b'"prefetch": {"patient": {}, ', "prefetch"),
        (b'"scope":', b'"patient": "1", "scope":', "fhirAuthorization"),
        (b'"a": 1', b'"a": 1, "a": 2', "extension"),
    ],
)
def test_a_repeated_key_in_the_envelope_is_refused(old: bytes, new: bytes, where: str) -> None:
    whole = body(
        prefetch={"patient": {"resourceType": "Patient"}},
        fhirServer="https://ehr.example",
        fhirAuthorization=AUTHORIZATION,
        extension={"a": 1},
    )
    raw = json.dumps(whole).encode().replace(old, new, 1)
    found = refusal(raw)
    assert (found.kind, found.where) == (Kind.INCORRECT, where)
    assert "more than once" in found.what


def test_a_repeated_key_inside_a_resource_is_the_resources_business() -> None:
    raw = json.dumps(body(prefetch={"patient": {"id": "1", "resourceType": "Patient"}})).encode()
    assert read(raw.replace(b'"id": "1"', b'"id": "1", "id": "2"')).prefetch.keys() == {"patient"}


@pytest.mark.parametrize("place", ["prefetch", "context", "draftOrders", "extension", "top"])
def test_a_hundred_thousand_levels_are_refused(place: str) -> None:
    deep = b'{"resourceType": "Bundle", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    marked: dict[str, dict[str, Any]] = {
        "prefetch": body("order-sign", prefetch={"laboratory": "@"}),
        "context": in_context("order-sign", more="@"),
        "draftOrders": in_context("order-sign", draftOrders="@"),
        "extension": body("order-sign", extension="@"),
        "top": body("order-sign", more="@"),
    }
    found = refusal(json.dumps(marked[place]).encode().replace(b'"@"', deep), "order-sign")
    assert found.kind is Kind.INCORRECT


@pytest.mark.parametrize("depth", [60, 255, 300, 900])
def test_nesting_that_can_be_read_is_read(depth: int) -> None:
    deep = b'{"x": ' + b"[" * depth + b"]" * depth + b"}"
    raw = json.dumps(body(extension="@", prefetch={"laboratory": "@"})).encode().replace(b'"@"', deep)
    assert read(raw).question.patient == "1288992"
