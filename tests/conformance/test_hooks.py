"""The hook catalogue: what the context of each hook must hold, what it may, and who may be the user."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conformance.calls import (
    HOOKS,
    NAME,
    PATIENT,
    Json,
    address,
    answered,
    knee_order,
    post,
    refused,
    request,
    with_context,
)

# Source: HL7/cds-hooks-library, the page of each hook; `encounterId` is optional but at encounter-start.
REQUIRED = {
    "patient-view": ("userId", "patientId"),
    "encounter-start": ("userId", "patientId", "encounterId"),
    "order-select": ("userId", "patientId", "selections", "draftOrders"),
    "order-sign": ("userId", "patientId", "draftOrders"),
}
NOT_SERVED = [
    "order-dispatch",
    "encounter-discharge",
    "appointment-book",
    "problem-list-item-create",
    "allergyintolerance-create",
    "medication-refill",
    "medication-verify",
    "medication-prescribe",
    "order-review",
    "com.example.leg-view",
]
MISTYPED = [None, 5, True, {NAME: NAME}, [5]]


def test_every_hook_that_is_served_is_here(client: FlaskClient) -> None:
    assert {one["hook"] for one in answered(client.get("/cds-services"))["services"]} == set(REQUIRED)


@pytest.mark.requirement("patient-view", "encounter-start", "order-select", "order-sign", 10)
@pytest.mark.parametrize("hook", HOOKS)
def test_with_what_is_required_alone_there_is_an_answer(client: FlaskClient, hook: str) -> None:
    whole = request(hook)
    whole["context"] = {name: whole["context"][name] for name in REQUIRED[hook]}
    assert answered(post(client, whole, hook)).keys() >= {"cards"}


@pytest.mark.requirement("patient-view", "encounter-start", "order-select", "order-sign", 10)
@pytest.mark.parametrize("hook", HOOKS)
def test_an_encounter_may_be_named_at_every_hook(client: FlaskClient, hook: str) -> None:
    """It asks for the encounter: without the key the reason for coming is unknown, and no fault."""
    assert "cards" in answered(post(client, with_context(hook, encounterId="visit-Q7xk"), hook))


@pytest.mark.requirement("patient-view", "encounter-start", "order-select", "order-sign", 11)
@pytest.mark.parametrize(
    ("hook", "field", "value"),
    [
        (hook, field, value)
        for hook, fields in REQUIRED.items()
        for field in fields
        for value in [..., *MISTYPED, *([""] if field.endswith("Id") else ["", NAME])]
    ],
)
def test_what_a_hook_requires_is_there_and_of_its_type(
    client: FlaskClient, hook: str, field: str, value: Any
) -> None:
    issue = refused(post(client, with_context(hook, **{field: value}), hook), 400)
    assert issue["expression"][0].startswith("context")
    assert field in f"{issue['diagnostics']} {issue['expression']}"


@pytest.mark.requirement("patient-view", "order-select", "order-sign")
@pytest.mark.parametrize("hook", ["patient-view", "order-select", "order-sign"])
@pytest.mark.parametrize("value", [*MISTYPED, "", "Encounter/1"])
def test_what_is_optional_has_its_type_where_it_is_there(
    client: FlaskClient, hook: str, value: Any
) -> None:
    issue = refused(post(client, with_context(hook, encounterId=value), hook), 400)
    assert issue["expression"] == ["context.encounterId"]


@pytest.mark.requirement("order-select", "order-sign", 70)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("more", [{}, {"type": "collection"}, {"id": "x", "total": 0}])
def test_draft_orders_may_be_an_empty_bundle(client: FlaskClient, hook: str, more: Json) -> None:
    drafts = {"resourceType": "Bundle", **more}
    assert "cards" in answered(post(client, with_context(hook, draftOrders=drafts), hook))


@pytest.mark.requirement("order-select", "order-sign")
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("drafts", [{}, {"resourceType": "ServiceRequest"}, {"resourceType": 5}, [{}]])
def test_draft_orders_are_a_bundle(client: FlaskClient, hook: str, drafts: Any) -> None:
    issue = refused(post(client, with_context(hook, draftOrders=drafts), hook), 400)
    assert issue["expression"][0].startswith("context.draftOrders")


@pytest.mark.requirement(70)
@pytest.mark.parametrize("status", ["active", "on-hold", "draft", "unheard-of", None, ...])
def test_a_draft_counts_whatever_its_status(client: FlaskClient, status: Any) -> None:
    """At order-sign an order may be a revised one."""
    whole = knee_order()
    order = whole["context"]["draftOrders"]["entry"][0]["resource"]
    if status is ...:
        del order["status"]
    else:
        order["status"] = status
    (card,) = answered(post(client, whole, "order-sign"))["cards"]
    assert "knee" in card["summary"].lower()


@pytest.mark.requirement(69, "order-select")
@pytest.mark.parametrize(
    "selections", [[], ["ServiceRequest/draft-1"], ["MedicationRequest/gone"], ["draft-1"], ["a"] * 300]
)
def test_selections_may_name_anything(client: FlaskClient, selections: list[str]) -> None:
    whole = knee_order("order-select")
    whole["context"]["selections"] = selections
    assert "cards" in answered(post(client, whole, "order-select"))


@pytest.mark.requirement(69, "order-select")
@pytest.mark.parametrize("selections", [[5], [None], [""], [{"reference": "ServiceRequest/1"}], "a/1"])
def test_selections_are_a_list_of_references(client: FlaskClient, selections: Any) -> None:
    whole = with_context("order-select", selections=selections)
    issue = refused(post(client, whole, "order-select"), 400)
    assert issue["expression"][0].startswith("context.selections")


@pytest.mark.requirement(69, 89)
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    "user",
    [
        "Practitioner/1",
        "PractitionerRole/eAb.9-x",
        "PractitionerRole/" + "e" * 194,
        "https://ehr.example/fhir/Practitioner/1",
        "Practitioner/1/_history/2",
        "doc-1",
    ],
)
def test_a_clinician_by_any_form_of_the_reference_gets_the_card(
    client: FlaskClient, hook: str, user: str
) -> None:
    whole = knee_order(hook) if hook.startswith("order-") else request(hook)
    whole["context"]["userId"] = user
    (card,) = answered(post(client, whole, hook))["cards"]
    assert "knee" in card["summary"].lower() or "2.4 mmol/L" in card["summary"]


@pytest.mark.requirement(69, "patient-view")
@pytest.mark.parametrize(
    "user", ["Patient/1", "RelatedPerson/1", f"https://ehr.example/fhir/Patient/{PATIENT}"]
)
def test_a_patient_or_relative_gets_no_clinicians_card_and_it_is_said(
    client: FlaskClient, user: str
) -> None:
    body = answered(post(client, with_context(userId=user)))
    assert body["cards"] == []
    said = {one["reason"] for one in body["extension"]["org.heavylegs.evaluation"] if "reason" in one}
    assert "not-a-clinicians-view" in said


@pytest.mark.requirement(68)
@pytest.mark.parametrize("hook", NOT_SERVED)
def test_a_hook_that_is_not_served_is_no_service_and_no_hook_of_another(
    client: FlaskClient, hook: str
) -> None:
    services = answered(client.get("/cds-services"))["services"]
    assert hook not in {one["hook"] for one in services}
    refused(client.post(address(hook), json={**request(), "hook": hook}), 404)
    issue = refused(post(client, {**request(), "hook": hook}), 400)
    assert issue["expression"] == ["hook"]


@pytest.mark.requirement(68)
def test_no_hook_is_of_our_own_invention(client: FlaskClient) -> None:
    """One of our own would need a reverse-domain name; these are all HL7's."""
    for one in answered(client.get("/cds-services"))["services"]:
        assert "." not in one["hook"]
        assert one["hook"] in HOOKS


@pytest.mark.requirement("order-select", "order-sign")
def test_the_same_order_is_judged_alike_at_both_order_hooks(client: FlaskClient) -> None:
    select, sign = (
        [card["summary"] for card in answered(post(client, knee_order(hook), hook))["cards"]]
        for hook in ("order-select", "order-sign")
    )
    assert select == sign != []
