"""Every fixture patient at every hook: the request, always the same, and what the service answers.

The patients are those in the folder, the hooks those that discovery names: neither is listed here.
"""

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from cds_service import content
from cds_service.app import create_app
from cds_service.cases import fixtures
from cds_service.hooks.service import Service
from cds_service.settings import Settings
from tests.golden import rendering

FOLDER = content.folder("fhir_fixtures")
RESPONSES = Path(__file__).resolve().parents[2] / "fhir_fixtures" / "responses"
# Hooks whose context must name an encounter (CDS Hooks, encounter-start): without one there is no call.
NEEDS_ENCOUNTER = frozenset({"encounter-start", "encounter-discharge"})
Json = dict[str, Any]


def names() -> list[str]:
    """Return the fixture patients, in order."""
    return fixtures.names(FOLDER)


def path(name: str) -> Path:
    """Return where the golden of a patient is."""
    return RESPONSES / f"{name}.md"


@cache
def client() -> FlaskClient:
    """Return a client of the service as `make run` starts it, with an audit log that is thrown away."""
    scratch = tempfile.mkdtemp(prefix="goldens-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    settings = Settings(
        audit_db=Path(scratch) / "audit.sqlite3", demo=True, allow_now=True, validate=True, rate=""
    )
    return create_app(settings).test_client()


def services() -> list[Service]:
    """Return the services of the rule base, in the order of discovery."""
    return list(client().application.extensions["cds"].rule_base.services.values())


def now(bundle: Json) -> datetime:
    """Return the time at which a patient is looked at: the one that the bundle was written for."""
    return datetime.fromisoformat(bundle["timestamp"])


def has_encounter(bundle: Json) -> bool:
    """Whether a hook about an encounter can be called for a patient."""
    return any(one.get("resourceType") == "Encounter" for one in fixtures.resources(bundle))


def requests(name: str) -> Iterator[tuple[Service, Json]]:
    """Every service with the request for a patient: the same bytes on every day and every machine."""
    bundle = fixtures.load(FOLDER, name)
    for service in services():
        if service.hook not in NEEDS_ENCOUNTER or has_encounter(bundle):
            yield service, fixtures.hook_request(bundle, service, now=now(bundle))


def answered(service: Service, request: Json) -> Json:
    """Return the response of the service."""
    response = client().post(f"/cds-services/{service.id}", data=fixtures.encoded(request))
    found: Json = json.loads(response.data)
    assert response.status_code == 200, found
    return found


def golden(name: str) -> str:
    """Return what the golden of a patient has to say, by the rules as they are now."""
    pairs = [(service, made, answered(service, made)) for service, made in requests(name)]
    _, first, _ = pairs[0]
    contexts = [made["context"] for _, made, _ in pairs]
    drafts: Json = next((one["draftOrders"] for one in contexts if "draftOrders" in one), {})
    answers = {service.hook: body for service, _, body in pairs}
    return rendering.document(name, first, drafts, answers)
