"""What the service writes to its log: nothing of a request, whatever the request was."""

import json
import time
from typing import Any

import pytest

from tests.conformance.calls import (
    INSTANCE,
    NAME,
    PATIENT,
    address,
    bundle,
    medicine,
    outcome,
    patient,
    potassium,
    request,
    with_context,
)
from tests.integration.conftest import Server

TOKEN = "eyJhbGciOiJub25lIn0.sEnTiNeL.x"  # noqa: S105 - nobody's
SECRETS = (
    NAME,
    PATIENT,
    "Erika",
    "doc-Q7xk",
    "sEnTiNeL",
    INSTANCE,
    "1955-03-04",
    "other-Q7xk",
    "0123-ring",
)
AUTHORIZATION = {
    "access_token": TOKEN,
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.read",
    "subject": NAME,
}
GOOD = json.dumps(request()).encode()
FEEDBACK = address() + "/feedback"


def feedback(**more: Any) -> bytes:
    one = {"card": NAME, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T12:00:00Z", **more}
    return json.dumps({"feedback": [one]}).encode()


def raw(whole: Any) -> bytes:
    return whole if isinstance(whole, bytes) else json.dumps(whole).encode()


CALLS: list[tuple[str, str, bytes]] = [
    ("POST", address(), raw(one))
    for one in (
        request(),
        b"",
        b"{" + GOOD,
        GOOD[:-1],
        b"[" + GOOD + b"]",
        GOOD.replace(b"Erika", b"\xff"),
        GOOD.replace(b'"patientId"', b'"patientId": "other-Q7xk", "patientId"'),
        GOOD.replace(b'"conditions"', b'"Sentinelmann": null, "Sentinelmann"'),
        GOOD.replace(b"2.4", b"NaN"),
        GOOD.replace(b"2.4", b"1e999"),
        b"[" * 200_000,
        b"x" * (17 * 1024 * 1024),
        request(hook=NAME),
        request(hookInstance=None),
        request(context=NAME),
        with_context(patientId=f"{NAME}/1"),
        with_context(patientId=[NAME]),
        request(fhirServer="https://ehr.example", fhirAuthorization=AUTHORIZATION),
        request(fhirAuthorization=AUTHORIZATION),
        request(
            fhirServer="https://x.example", fhirAuthorization={**AUTHORIZATION, "patient": "other-Q7xk"}
        ),
        request(
            fhirServer="https://x.example", fhirAuthorization={**AUTHORIZATION, "expires_in": TOKEN}
        ),
        request(prefetch={"patient": patient(id="other-Q7xk")}),
        request(prefetch={"patient": NAME}),
        request(prefetch={NAME: NAME}),
        request(prefetch={"patient": outcome("error")}),
        request(prefetch={"conditions": {"resourceType": NAME}}),
        request(prefetch={"laboratory": bundle({"resourceType": "Observation", "code": NAME})}),
        request(prefetch={"laboratory": bundle(potassium(subject={"reference": "Patient/other-Q7xk"}))}),
        request(prefetch={"laboratory": bundle(potassium(effectiveDateTime=NAME, id=NAME))}),
        request(prefetch={"medicationRequests": bundle(medicine(f"{NAME} <b>"))}),
        request(extension={"org.heavylegs.now": NAME}),
    )
] + [
    ("POST", FEEDBACK, feedback()),
    ("POST", FEEDBACK, feedback(overrideReason={"userComment": f"{NAME} 0123-ring"})),
    ("POST", FEEDBACK, feedback(outcome=NAME)),
    ("POST", FEEDBACK, b"{" + NAME.encode()),
    ("POST", f"/cds-services/{NAME}", GOOD),
    ("GET", f"/nowhere/{PATIENT}?name={NAME}", b""),
    ("PUT", f"{address()}?patient={PATIENT}", GOOD),
]


@pytest.mark.requirement(22, 49, 58)
def test_nothing_of_a_request_is_in_the_log(server: Server) -> None:
    for method, path, body in CALLS:
        headers = {"Authorization": f"Bearer {TOKEN}", "X-Request-Id": NAME}
        try:
            status, _ = server.call(method, path, body, headers)
        except ConnectionError:
            assert len(body) > 16 * 1024 * 1024  # it may hang up on what it will not read
            continue
        assert status in (200, 400, 403, 404, 405, 412, 413), (path, body[:80])
    with server.connect() as connection:
        connection.sendall(
            f"{NAME} / HTTP/1.1\r\nHost: {PATIENT}\r\nBad header {TOKEN}\r\n\r\n".encode()
        )
    with server.connect() as connection:  # hangs up in the middle of its body
        connection.sendall(f"POST {address()} HTTP/1.1\r\nContent-Length: 9999\r\n\r\n{NAME}".encode())
    time.sleep(0.5)
    log = server.log.read_text("utf-8")
    for secret in (*SECRETS, NAME.lower()):
        assert secret not in log
    assert "Traceback" not in log
    assert server.good()
