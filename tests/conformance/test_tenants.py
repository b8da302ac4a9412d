"""Patients, cards and users do not mix: between clients, tenants and servers, and for no clinician."""

import logging

import pytest
from flask import Flask

from tests.conformance.calls import (
    HOOKS,
    PATIENT,
    Json,
    answered,
    knee_order,
    request,
    rule,
)
from tests.conformance.conftest import MakeApp
from tests.conformance.ehrs import (
    BASE,
    PAD,
    Ehr,
    Known,
    clients_file,
    events,
    mild,
    newest,
    said,
    topics,
)

ENTRIES: dict[str, Json] = {
    "north": {"tenants": ["a", "b"], "evaluation": True},
    "south": {"evaluation": True},
    "east": {"evaluation": True},
}


@pytest.fixture(scope="module")
def app(make_app: MakeApp, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    file = clients_file(tmp_path_factory.mktemp("clients"), ENTRIES)
    return make_app(demo=False, auth="required", public_url=BASE, clients=file)


@pytest.fixture
def ehr(app: Flask) -> Known:
    return lambda name, tenant="": Ehr(app.test_client(), name, tenant)


# --- tenants ---------------------------------------------------------------------------------------


def test_one_patient_id_at_two_clients_tenants_or_servers_is_as_many_patients(
    ehr: Known, app: Flask
) -> None:
    other_server = mild(fhirServer="https://two.example/fhir")
    callers = [(("north", "a"), mild()), (("north", "b"), mild()), (("south",), mild())]
    callers.append((("north", "a"), other_server))
    before = [topics(answered(ehr(*who).post(asked))) for who, asked in callers]
    hashes = [event["patient"] for event in events(app, "answered")[-4:]]
    names = [event["client"] for event in events(app, "answered")[-4:]]

    assert all(PAD in shown for shown in before)
    assert len({shown[PAD] for shown in before}) == 4
    assert len(set(hashes)) == 4
    assert names == ["north/a", "north/b", "south", "north/a"]

    answered(ehr("north", "a").feedback(said(before[0][PAD], "patient-refuses")))
    after = [topics(answered(ehr(*who).post(asked))) for who, asked in callers]
    assert [PAD in shown for shown in after] == [False, True, True, True]


def test_feedback_on_another_client_s_card_is_refused_and_marked_and_counts_nowhere(
    ehr: Known, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    shown = topics(answered(ehr("south").post(mild())))
    for who in (("east",), ("north", "a")):
        with caplog.at_level(logging.WARNING):
            found = ehr(*who).feedback(said(shown[PAD], "patient-refuses"))
        unknown = ehr(*who).feedback(said("7b8c0e0e-0000-4000-8000-000000000000", "patient-refuses"))
        assert (found.status_code, unknown.status_code) == (403, 200)
        assert "feedback[0].card" in found.get_data(as_text=True)
        of_another, of_nobody = events(app, "feedback")[-2:]
        assert of_another["marks"] == ["another-client"]
        assert of_nobody["marks"] == ["unknown-card"]
        assert "feedback on a card of another client" in caplog.text
    for who in (("south",), ("east",)):
        body = answered(ehr(*who).post(mild()))
        assert rule(body, "pad-01-resting-abi")["shown"] in ("card", "folded")


def test_a_tenant_may_be_any_text_and_is_none_in_the_clear(ehr: Known) -> None:
    refused_ = ehr("north", "../../south").post(mild())
    assert refused_.status_code == 401  # no tenant of its entry


# --- users -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    ("user", "kind"),
    [
        (f"Patient/{PATIENT}", "Patient"),
        ("RelatedPerson/1", "RelatedPerson"),
        ("https://south.example/fhir/Patient/1", "Patient"),
    ],
)
def test_who_is_no_clinician_gets_no_card(
    ehr: Known, app: Flask, hook: str, user: str, kind: str
) -> None:
    asked = request(hook) if not hook.startswith("order-") else knee_order(hook)
    assert answered(ehr("south").post(asked, hook))["cards"]
    asked["context"]["userId"] = user

    body = answered(ehr("south").post(asked, hook))

    assert body["cards"] == []
    for lines in (
        body["extension"]["org.heavylegs.evaluation"],
        newest(app, "answered")["evaluation"],
    ):
        told = {(one["shown"], one["reason"]) for one in lines}
        assert told == {
            ("not-assessed", "not-a-clinicians-view"),
            ("not-this-hook", "not-this-hook"),
        }
    assert newest(app, "answered")["userType"] == kind


@pytest.mark.parametrize(
    "user", ["https://south.example/fhir/Practitioner/1", "PractitionerRole/1", "1"]
)
def test_a_clinician_is_one_however_the_user_is_written(ehr: Known, user: str) -> None:
    asked = request()
    asked["context"]["userId"] = user
    assert answered(ehr("south").post(asked))["cards"]
