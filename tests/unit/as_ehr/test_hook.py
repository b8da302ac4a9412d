"""A hook call as `cds-service try` makes it: discovery read, queries filled, the request built."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.as_ehr import hook
from cds_service.as_ehr.fhir_server import FhirServer
from cds_service.as_ehr.hook import Asked, CdsServer, Chart, Service
from cds_service.cli.main import cli
from cds_service.failures import Failure
from tests.unit.as_ehr.answering import Said, answering

Json = dict[str, Any]
PREFETCH = {"patient": "Patient/{{context.patientId}}"}
SERVICE = {"id": "legs", "hook": "patient-view", "prefetch": PREFETCH}


def bundle(*resources: Json) -> Said:
    entry = [{"resource": one, "search": {"mode": "match"}} for one in resources]
    return Said(200, json.dumps({"resourceType": "Bundle", "entry": entry}))


def test_the_service_at_a_hook_is_found_by_discovery() -> None:
    with answering({"/cds-services": Said(200, json.dumps({"services": [SERVICE]}))}) as (base, _):
        cds = CdsServer(f"{base}/cds-services")
        assert cds.at("patient-view") == Service("legs", "patient-view", PREFETCH)
        with pytest.raises(Failure, match="no service at the hook 'order-sign'; it has: patient-view"):
            cds.at("order-sign")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Said(404, "{}"), "is no discovery of CDS services: it answers 404"),
        (Said(200, "<html>", "text/html"), "200, text/html and no JSON object"),
        (Said(200, '{"services": 1}'), "JSON without `services`"),
    ],
)
def test_what_is_no_discovery_is_said_to_be_none(said: Said, message: str) -> None:
    with answering({"/cds-services": said}) as (base, _), pytest.raises(Failure) as failure:
        CdsServer(f"{base}/cds-services").services()
    assert message in str(failure.value)


def test_where_the_service_does_not_run_it_is_said_how_to_start_it() -> None:
    with answering({}) as (base, _):
        pass
    with pytest.raises(Failure, match="start the service with `make run`"):
        CdsServer(f"{base}/cds-services").services()


def test_a_template_is_filled_encoded_and_asked() -> None:
    with answering({"/Condition?patient=a%26b": bundle()}) as (base, asked):
        context = {"patientId": "a&b"}
        found = hook.asked(
            FhirServer(base), "conditions", "Condition?patient={{context.patientId}}", context
        )
        assert (found.query, found.why) == ("Condition?patient=a%26b", "")
        lacking = hook.asked(FhirServer(base), "encounter", "Encounter/{{context.encounterId}}", context)
    assert lacking == Asked("encounter", "", None, "there is no context.encounterId")
    assert [one.path for one in asked] == ["/Condition?patient=a%26b"]


def test_the_encounter_that_goes_on_and_the_drafts_are_found() -> None:
    going_on = "/Encounter?patient=p&status=in-progress&_sort=-date&_count=1"
    drafts = "ServiceRequest?patient=p&status=draft"
    outcome = {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}
    order = {"resourceType": "ServiceRequest", "id": "o"}
    found = {"resourceType": "Bundle", "entry": [outcome, {"resource": order}]}
    answers = {
        going_on: bundle({"resourceType": "Encounter", "id": "e"}),
        f"/{drafts}": Said(200, json.dumps(found)),
    }
    with answering(answers) as (base, _):
        context = hook.context(FhirServer(base), "order-select", Chart("p", "Practitioner/1"))
    assert context["encounterId"] == "e"
    assert [one["resource"] for one in context["draftOrders"]["entry"]] == [order]
    assert context["selections"] == ["ServiceRequest/o"]


def test_an_encounter_hook_without_one_is_refused() -> None:
    with answering({}) as (base, _), pytest.raises(Failure, match="name one with --encounter"):
        hook.context(FhirServer(base), "encounter-start", Chart("p", "Practitioner/1"))


def test_without_prefetch_the_member_is_left_out_and_the_token_is_handed_on() -> None:
    server = FhirServer("https://fhir.example/r4")
    service = Service("legs", "patient-view", {})
    body = hook.request(server, service, {"patientId": "p"}, None, "a-token")
    assert "prefetch" not in body
    assert body["fhirServer"] == "https://fhir.example/r4"
    assert body["fhirAuthorization"]["access_token"] == "a-token"  # noqa: S105
    assert "fhirAuthorization" not in hook.request(server, service, {}, [])


# --- the commands, where no server is needed ----------------------------------------------------------


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_the_invented_patients_are_listed_with_what_is_the_matter() -> None:
    told = run("fixtures", "list")
    assert told.exit_code == 0
    [line] = [one for one in told.output.splitlines() if one.startswith("k-2-4 ")]
    assert "heavy legs on furosemide, potassium 2.4 mmol/L" in line


def test_nobody_loads_all_patients_onto_a_strangers_server_by_accident() -> None:
    told = run("fixtures", "load", "https://fhir.example.org/r4")
    assert told.exit_code == 2
    assert (
        "fhir.example.org may be a public server: name some with --patient NAME, or say --all"
        in told.output
    )


def test_a_patient_that_there_is_none_of_is_named() -> None:
    told = run("fixtures", "load", "http://127.0.0.1:9/fhir", "--patient", "k-2-5000")
    assert isinstance(told.exception, Failure)
    assert "no invented patient is called 'k-2-5000'" in str(told.exception)


def test_no_option_takes_a_token() -> None:
    for command in (("fixtures", "load"), ("try",)):
        assert "--token " not in run(*command, "--help").output
        assert "CDS_FHIR_TOKEN" in run(*command, "--help").output
