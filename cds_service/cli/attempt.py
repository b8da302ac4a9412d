"""`cds-service try`: call the running service as an EHR does, with a patient on a FHIR server."""

import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import click
import msgspec

from cds_service.as_ehr import addresses, hook
from cds_service.as_ehr.addresses import printable
from cds_service.as_ehr.calling import Answer, Json, encoded
from cds_service.as_ehr.fhir_server import FhirServer
from cds_service.as_ehr.hook import Asked, CdsServer, Chart
from cds_service.cli import cards
from cds_service.cli.patients import FHIR_EXAMPLE, token_option
from cds_service.failures import Failure, Kind

_DISCOVERY = "http://127.0.0.1:8080/cds-services"
_OK, _UNAUTHORIZED, _MISSING = 200, 401, 404
_NOT_READ = "org.heavylegs.not-read"
_EVALUATION = "org.heavylegs.evaluation"


@click.command(
    name="try",
    epilog="""\b
Examples:
  cds-service try http://127.0.0.1:8081/fhir k-2-4
  cds-service try http://127.0.0.1:8081/fhir knee-oa-order --hook order-sign
  cds-service try http://127.0.0.1:8081/fhir pad-risk --no-prefetch
  cds-service try https://hapi.fhir.org/baseR4 k-2-4 --json

\b
Exit codes:
  0  the service answered, with cards or without
  1  it answered with an error, which is shown
  2  used wrongly: no such patient, no such hook
  3  the service or the FHIR server is not there
""",
)
@click.argument("url")
@click.argument("patient")
@click.option("--hook", "at", default="patient-view", show_default=True, help="Which moment.")
@click.option(
    "--service",
    "discovery",
    default=_DISCOVERY,
    show_default=True,
    help="Discovery of the service that is called.",
)
@click.option(
    "--no-prefetch",
    is_flag=True,
    help="Send no data: the service has to fetch them from URL by itself, which it does only for FHIR "
    "servers that it was told of.",
)
@click.option(
    "--encounter", default="", help="Id of the encounter. Default: the one that goes on, if any."
)
@click.option(
    "--user",
    default="Practitioner/example",
    show_default=True,
    help="Who looks at the chart: `Type/id`.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="The response as it came; all else goes to stderr."
)
@token_option
def try_(  # noqa: PLR0913, PLR0917 - click hands each option on
    url: str,
    patient: str,
    at: str,
    discovery: str,
    no_prefetch: bool,
    encounter: str,
    user: str,
    as_json: bool,
    token_file: Path | None,
) -> None:
    """Call the running service as an EHR does, with a patient on a FHIR R4 server.

    URL is the base of the FHIR server, such as http://127.0.0.1:8081/fhir; PATIENT the id of a Patient
    there (`cds-service fixtures load URL` puts ours on it). Reads discovery, fills the published queries
    in, asks the server, follows the pages, posts the hook request; then prints what was delivered, what
    was not and why, how long it took, and the cards.

    At order-select and order-sign the orders are those that are drafts on the server.
    """
    base = addresses.base(url, like=FHIR_EXAMPLE)
    token = addresses.token(token_file, base)
    cds = CdsServer(addresses.base(discovery, like=_DISCOVERY))
    service = cds.at(at)
    server = FhirServer(base, token)
    click.echo(f"{server.introduced()}, at {base}", err=as_json)
    click.secho(_patient(server, patient), bold=True, err=as_json)
    context = hook.context(server, at, Chart(patient, user, encounter))
    answers = None
    if not no_prefetch:
        began = perf_counter()
        answers = [hook.asked(server, key, query, context) for key, query in service.prefetch.items()]
        _say_asked(answers, perf_counter() - began, err=as_json)
    _say_context(context, err=as_json)
    body = hook.request(server, service, context, answers, token)
    answer, seconds = cds.call(service, body)
    size = len(encoded(body))
    click.echo(
        f"{service.id}: {answer.status} after {seconds * 1000:.0f} ms ({size / 1024:.0f} KiB sent)",
        err=as_json,
    )
    sys.exit(_say_answer(answer, as_json=as_json))


def _patient(server: FhirServer, patient: str) -> str:
    """Who it is."""
    found = hook.patient_there(server, patient)
    if found.body is None or found.body.get("resourceType") != "Patient":
        raise Failure(
            Kind.NOT_FOUND,
            f"there is no Patient/{printable(patient)}: {found.why or 'something else is there'}",
            where=server.base,
            todo=f"`cds-service fixtures load {server.base}` puts the invented ones there",
        )
    names = found.body.get("name")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], dict) else {}
    return (
        f"Patient/{printable(patient)}  {printable(str(name.get('text') or name.get('family') or ''))}"
    )


def _say_asked(answers: Sequence[Asked], seconds: float, *, err: bool) -> None:
    """Each key: what it brought, or why nothing was sent."""
    queries = [one for one in answers if one.found is not None]
    click.echo(f"{len(queries)} queries in {seconds * 1000:.0f} ms", err=err)
    width = max((len(one.key) for one in answers), default=0)
    for one in answers:
        found = one.found
        if found is None or found.body is None:
            click.secho(f"  {one.key:{width}}  not sent: {printable(one.why)}", fg="yellow", err=err)
            continue
        pages = f", {found.pages} pages" if found.pages > 1 else ""
        click.echo(f"  {one.key:{width}}  {found.entries}{pages}", err=err)
        if one.why:
            click.secho(f"  {'':{width}}  not all: {printable(one.why)}", fg="yellow", err=err)


def _say_context(context: Json, *, err: bool) -> None:
    encounter = context.get("encounterId")
    click.echo(f"encounter: {printable(str(encounter)) if encounter else 'none'}", err=err)
    if "draftOrders" in context:
        drafts = [one["resource"] for one in context["draftOrders"]["entry"]]
        named = ", ".join(f"{one['resourceType']}/{printable(str(one['id']))}" for one in drafts)
        click.echo(f"draft orders: {named or 'none on the server'}", err=err)


def _say_answer(answer: Answer, *, as_json: bool) -> int:
    """Print the answer; the exit code."""
    if as_json:
        click.echo(msgspec.json.format(encoded(answer.body), indent=2).decode())
    if answer.status != _OK or not answer.well:
        click.secho(f"the service refuses: {answer.said or answer.status}", fg="red", err=True)
        if answer.status == _UNAUTHORIZED:
            click.echo(
                "It wants its callers to sign: this command does not. See docs/operations.md.", err=True
            )
        return 1
    if as_json:
        return 0
    found = answer.body.get("cards", [])
    if not found:
        click.echo(f"No card{_why_none(answer.body)}")
    cards.show(found)
    for one in answer.body.get("extension", {}).get(_NOT_READ, ()):
        said = ", ".join(f"{key} {value}" for key, value in one.items())
        click.echo(f"not read by the service: {printable(said)}")
    return 0


def _why_none(body: Json) -> str:
    """The end of a sentence: why there is no card, as far as the answer tells."""
    lines = body.get("extension", {}).get(_EVALUATION, ())
    if not lines:
        return ", and no word on why: the service does not tell this client."
    asked = [one for one in lines if one.get("shown") != "not-this-hook"]
    reasons = {one.get("reason") for one in asked}
    if len(reasons) == 1 and asked[0].get("shown") == "not-assessed":
        return f": {printable(str(reasons.pop()))}, for every rule."
    unsure = sum(one.get("outcome") == "unknown" for one in asked)
    return f". {unsure} of {len(asked)} rules could not be decided; --json has the reason of each."
