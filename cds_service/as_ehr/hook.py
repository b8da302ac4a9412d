"""A hook call as an EHR makes it: discovery, context, the published queries, the request."""

import re
from collections.abc import Mapping, Sequence
from time import perf_counter
from urllib.parse import quote
from uuid import uuid4

import msgspec

from cds_service.as_ehr.addresses import printable
from cds_service.as_ehr.calling import Answer, Endpoint, Json
from cds_service.as_ehr.fhir_server import FhirServer, Found
from cds_service.failures import Failure, Kind

_START = "start the service with `make run` or `cds-service serve --demo`"
_TOKEN = re.compile(r"\{\{([^{}]+)\}\}")
_ORDERS = ("DeviceRequest", "MedicationRequest", "ServiceRequest")
_WITH_DRAFTS = ("order-select", "order-sign")
_WITH_ENCOUNTER = ("encounter-start", "encounter-discharge")
_SHORT_LIVED = 300  # seconds, said of a token


class Chart(msgspec.Struct, frozen=True):
    """Whose chart is open, and before whom; an empty encounter is looked for."""

    patient: str
    user: str
    encounter: str = ""


class Asked(msgspec.Struct, frozen=True):
    """A prefetch key, the query made of its template, and what it brought.

    `query` is empty, and `found` None, where the template needs what the context does not have.
    """

    key: str
    query: str
    found: Found | None
    why: str = ""


class Service(msgspec.Struct, frozen=True):
    """A CDS service as discovery has it."""

    id: str
    hook: str
    prefetch: Mapping[str, str]


class CdsServer:
    """The CDS server, by its address of discovery."""

    def __init__(self, discovery: str) -> None:
        """Take `{base}/cds-services`."""
        self.discovery = discovery
        self._endpoint = Endpoint(discovery, start=_START)

    def services(self) -> list[Service]:
        """The services.

        Raises:
            Failure: unavailable, saying what is there instead.
        """
        found = self._endpoint.call("GET", self.discovery, {"Accept": "application/json"})
        listed = found.body.get("services")
        if not found.well or not isinstance(listed, list):
            said = found.said or "JSON without `services`"
            raise Failure(
                Kind.UNAVAILABLE,
                f"is no discovery of CDS services: it answers {said}",
                where=self.discovery,
                todo="its address ends in /cds-services",
            )
        return [
            Service(str(one["id"]), str(one["hook"]), dict(one.get("prefetch") or {}))
            for one in listed
            if isinstance(one, dict) and {"id", "hook"} <= one.keys()
        ]

    def at(self, hook: str) -> Service:
        """The first service at a hook.

        Raises:
            Failure: incorrect, naming the hooks there are.
        """
        services = self.services()
        for one in services:
            if one.hook == hook:
                return one
        hooks = ", ".join(sorted({printable(one.hook) for one in services})) or "none"
        raise Failure(Kind.INCORRECT, f"has no service at the hook {hook!r}; it has: {hooks}")

    def call(self, service: Service, body: Json) -> tuple[Answer, float]:
        """Post a hook request; the answer, and how many seconds it took."""
        url = f"{self.discovery}/{quote(service.id, safe='')}"
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        began = perf_counter()
        answer = self._endpoint.call("POST", url, headers, body)
        return answer, perf_counter() - began


def patient_there(server: FhirServer, patient: str) -> Found:
    """What the server has under the id of a patient."""
    return server.read(f"Patient/{quote(patient, safe='')}")


def context(server: FhirServer, hook: str, chart: Chart) -> Json:
    """What the hook's context says: the encounter that goes on, the orders that are drafts there.

    Raises:
        Failure: incorrect, when the hook is about an encounter and there is none.
    """
    patient = quote(chart.patient, safe="")
    found: Json = {"userId": chart.user, "patientId": chart.patient}
    encounter = chart.encounter or _encounter(server, hook, patient)
    if encounter:
        found["encounterId"] = encounter
    elif hook in _WITH_ENCOUNTER:
        raise Failure(
            Kind.INCORRECT,
            f"{hook} is about an encounter, and the server has none of this patient",
            where=f"Patient/{printable(chart.patient)}",
            todo="name one with --encounter",
        )
    if hook in _WITH_DRAFTS:
        drafts = [
            one for kind in _ORDERS for one in _matches(server, f"{kind}?patient={patient}&status=draft")
        ]
        found["draftOrders"] = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": one} for one in drafts],
        }
        if hook == "order-select":
            found["selections"] = [f"{one['resourceType']}/{one['id']}" for one in drafts]
    return found


def _encounter(server: FhirServer, hook: str, patient: str) -> str:
    going_on = _matches(server, f"Encounter?patient={patient}&status=in-progress&_sort=-date&_count=1")
    if not going_on and hook in _WITH_ENCOUNTER:  # one that is over, looked at as it began
        going_on = _matches(server, f"Encounter?patient={patient}&_sort=-date&_count=1")
    return str(going_on[0]["id"]) if going_on else ""


def _matches(server: FhirServer, query: str) -> Sequence[Json]:
    body = server.read(query).body or {}
    return [
        one["resource"]
        for one in body.get("entry", ())
        if "resource" in one and one.get("search", {}).get("mode") not in ("include", "outcome")
    ]


def asked(server: FhirServer, key: str, template: str, context: Json) -> Asked:
    """One template, filled in and asked; not asked where one of its tokens has no value."""
    values = {token: context.get(token.removeprefix("context.")) for token in _TOKEN.findall(template)}
    lacking = [token for token, value in values.items() if not isinstance(value, str) or not value]
    if lacking:
        return Asked(key, "", None, f"there is no {', '.join(lacking)}")
    query = _TOKEN.sub(lambda token: quote(str(values[token[1]]), safe=""), template)
    found = server.read(query)
    return Asked(key, query, found, found.why)


def request(
    server: FhirServer, service: Service, context: Json, answers: Sequence[Asked] | None, token: str = ""
) -> Json:
    """The body of a hook request.

    Args:
        server: whose base it names, for the service to fetch from.
        service: which is called.
        context: of the hook.
        answers: what goes into `prefetch`; None leaves it out, so that the service has to fetch.
        token: for the FHIR server, handed on so that the service may use it.
    """
    body: Json = {
        "hook": service.hook,
        "hookInstance": str(uuid4()),
        "fhirServer": server.base,
        "context": context,
    }
    if token:
        body["fhirAuthorization"] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": _SHORT_LIVED,
            "scope": "patient/*.read",
            "subject": "cds-service",
        }
    if answers is not None:
        body["prefetch"] = {
            one.key: one.found.body
            for one in answers
            if one.found is not None and one.found.body is not None
        }
    return body
