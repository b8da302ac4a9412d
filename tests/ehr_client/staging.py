"""The service, a server that misbehaves, and one elsewhere that nobody should ask."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.conformance.calls import NAME, PATIENT, request
from tests.ehr_client import canned, fault_proxy, faults, serving
from tests.ehr_client.fault_proxy import FaultProxy

BUDGET = 3.0  # seconds
SLACK = 6.0  # for a machine that is busy with other tests; what hangs here hangs for 20 s
TOKEN = "tok3n-Q7xk.Zm9v-_~+/=="  # noqa: S105 - of nobody
NOT_READ = "org.heavylegs.not-read"
Json = dict[str, Any]


class Stage(NamedTuple):
    """The service, the server that misbehaves, and one elsewhere that should never be asked."""

    service: serving.Fetching
    server: FaultProxy
    elsewhere: FaultProxy


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Run them; the service may ask the first server alone."""
    faults.bomb()  # made before it is asked for
    with (
        fault_proxy.serving(canned.answered) as server,
        fault_proxy.serving(canned.answered) as elsewhere,
        serving.running(
            folder, [serving.loopback(server.base)], CDS_FETCH_BUDGET=str(int(BUDGET * 1000))
        ) as service,
    ):
        yield Stage(service, server, elsewhere)


class Answered(NamedTuple):
    """What the service answered, and after how many seconds."""

    status: int
    body: Json
    took: float

    @property
    def why(self) -> dict[str, str]:
        """Why each key was not or not wholly read."""
        return {one["what"]: one["reason"] for one in self.body["extension"].get(NOT_READ, ())}

    @property
    def warns(self) -> bool:
        """Whether the potassium of 2.4, the newest result, was seen."""
        return any(card["summary"].startswith("Potassium 2.4") for card in self.body["cards"])


def called(stage: Stage, prefetch: Json | None = None, **more: Any) -> Answered:
    """Call the service without any record; nothing secret may be seen afterwards."""
    authorization = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": "heavy-legs",
        "patient": PATIENT,
    }
    body = request(
        prefetch=... if prefetch is None else prefetch,
        **{"fhirServer": stage.server.base, "fhirAuthorization": authorization, **more},
    )
    body["prefetch"] = prefetch or {}
    begun = time.monotonic()
    found = requests.post(
        f"{stage.service.discovery}/heavy-legs-patient-view", json=body, timeout=BUDGET + 20
    )
    took = time.monotonic() - begun
    told = stage.service.log()
    for secret in (TOKEN, PATIENT, NAME, "_getpages", "?patient="):
        assert secret not in told
        assert secret not in found.text or secret == PATIENT  # a suggested order names its patient
    assert took < BUDGET + SLACK
    return Answered(found.status_code, found.json(), took)
