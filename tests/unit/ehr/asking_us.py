"""A hook request, a client and its server, as `Fetching` gets them."""

import json
from collections.abc import Sequence
from typing import Any

from cds_service.clients.model import Client, FhirServer
from cds_service.content import folder, texts
from cds_service.ehr.fetching import Fetching
from cds_service.fhir.evidence import Arrival, Unavailable
from cds_service.fitness import load
from cds_service.hooks import request as requests
from cds_service.hooks.request import HookRequest
from cds_service.hooks.service import Service

PATIENT = "pat-Q7xk"
RULES = load(texts(folder("cards")), cases=False)
SERVICE = RULES.services["heavy-legs-patient-view"]


def hook_request(base: str, prefetch: Any = None, **more: Any) -> HookRequest:
    body = {
        "hook": "patient-view",
        "hookInstance": "i-1",
        "context": {"userId": "Practitioner/d-1", "patientId": PATIENT},
        "prefetch": prefetch or {},
        **({"fhirServer": base} if base else {}),
        **more,
    }
    return requests.parse(json.dumps(body).encode(), service=SERVICE.id, hook="patient-view")


def fetched(
    fetching: Fetching,
    base: str,
    servers: Sequence[FhirServer],
    keys: Sequence[str] = ("patient", "conditions"),
    service: Service = SERVICE,
    **more: Any,
) -> dict[str, Arrival | Unavailable]:
    client = Client("st-elsewhere", RULES, fhir_servers=tuple(servers))
    return fetching.fetch(hook_request(base, **more), service, keys, client)


def reasons(found: dict[str, Arrival | Unavailable]) -> dict[str, str]:
    """Why each key did not arrive whole; empty where it did."""
    return {
        key: one.incomplete if isinstance(one, Arrival) else one.reason for key, one in found.items()
    }
