"""EHR installations with keys of their own, and the clients file that the service knows them by."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm
from werkzeug.test import TestResponse

from tests.conformance.calls import PATIENT, Json, address, bundle, potassium, request

BASE = "https://cds.example.org"
WHEN = "2026-11-22T12:01:00Z"
PAD, TESTS = "pad01restingabi", "x02firstlinetests"  # topics of two information cards of `mild`
_KEY = ec.generate_private_key(ec.SECP384R1())


def clients_file(folder: Path, clients: Mapping[str, Json], **more: Json) -> Path:
    """Write a clients file, each client with an issuer of its own; return its path."""
    jwk = {"kid": "k", "use": "sig", **ECAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)}
    (folder / "keys.json").write_text(json.dumps({"keys": [jwk]}))
    entries = {
        name: {"issuer": _issuer(name), "keys": {"file": "keys.json"}, **entry}
        for name, entry in clients.items()
    }
    path = folder / "clients.yaml"
    path.write_text(yaml.safe_dump({**more, "clients": entries}, sort_keys=False))
    return path


class Ehr:
    """One installation, and one of its tenants where it has several."""

    def __init__(self, client: FlaskClient, name: str, tenant: str = "") -> None:
        """An EHR that the clients file calls `name`."""
        self._client, self._name, self._tenant = client, name, tenant

    def discovery(self) -> TestResponse:
        """Read the services."""
        return self._client.get("/cds-services", headers=self._proof("/cds-services"))

    def post(self, body: Any, hook: str = "patient-view") -> TestResponse:
        """Call the service of a hook."""
        return self._send(address(hook), body)

    def feedback(self, *entries: Json, hook: str = "patient-view") -> TestResponse:
        """Say what became of cards."""
        return self._send(f"{address(hook)}/feedback", {"feedback": entries})

    def _send(self, path: str, body: Any) -> TestResponse:
        raw = json.dumps(body).encode()
        proof = self._proof(path)
        return self._client.post(path, data=raw, content_type="application/json", headers=proof)

    def _proof(self, path: str) -> dict[str, str]:
        now = int(time.time())
        claims = {"iss": _issuer(self._name), "aud": BASE + path, "iat": now, "exp": now + 300}
        claims["jti"] = str(uuid4())
        if self._tenant:
            claims["tenant"] = self._tenant
        token = jwt.encode(claims, _KEY, "ES384", headers={"kid": "k"})
        return {"Authorization": f"Bearer {token}"}


Known = Callable[..., Ehr]  # its name in the clients file, and a tenant where it has several


def _issuer(name: str) -> str:
    return f"https://{name}.example/fhir"


def events(app: Flask, kind: str) -> list[Json]:
    found = app.extensions["cds"].audit.select("SELECT body FROM rows ORDER BY row")
    return [event for (body,) in found if (event := json.loads(body))["kind"] == kind]


def newest(app: Flask, kind: str) -> Json:
    return events(app, kind)[-1]


def topics(body: Json) -> dict[str, str]:
    """Topic → uuid of each card."""
    return {card["source"]["topic"]["code"]: card["uuid"] for card in body["cards"]}


HEAVY = {
    "resourceType": "Condition",
    "id": "c-heavy",
    "clinicalStatus": {
        "coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
        ]
    },
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "161873000"}]},
    "subject": {"reference": f"Patient/{PATIENT}"},
    "onsetDateTime": "2026-11-01",
    "recordedDate": "2026-11-01",
}


def mild(value: float = 3.2, **more: Any) -> Json:
    """Return a request about heavy legs and a potassium that is low, and not critically so."""
    brought = {"conditions": bundle(HEAVY), "laboratory": bundle(potassium(value))}
    return request(prefetch=brought, **more)


def said(card: str, code: str = "", **more: Any) -> Json:
    reason = {"overrideReason": {"reason": {"code": code}}} if code else {}
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": WHEN, **reason, **more}
