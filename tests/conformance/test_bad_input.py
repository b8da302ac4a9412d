"""Bodies that should not be: each is refused or contained, and the service goes on as before."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conformance.calls import (
    NAME,
    address,
    answered,
    bundle,
    post,
    potassium,
    refused,
    request,
    rule,
    with_context,
)

RULE = "k-01-low-potassium"
GOOD = json.dumps(request()).encode()
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture(autouse=True)
def unharmed(client: FlaskClient) -> Iterator[None]:
    """After each test the service gives the same answer, byte for byte, as before it."""
    before = post(client, GOOD)
    yield
    after = post(client, GOOD)
    assert answered(after)["cards"]
    assert after.data == before.data


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"{",
        b"Sentinelmann",
        b"<Patient><name>Sentinelmann</name></Patient>",
        b"patientId=Sentinelmann&hook=patient-view",
        b"[]",
        b"null",
        b'"Sentinelmann"',
        b"17",
        b"[" + GOOD + b"]",
        GOOD + b"{}",
        GOOD[:-1],
        GOOD[:-1] + b",}",
        b"/* Sentinelmann */" + GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        b"\x00" + GOOD,
        GOOD.replace(b'"hook": "', b'"hook": "\xff'),
        GOOD.replace(b'"Practitioner/', b'"\xed\xa0\x80'),
        GOOD.replace(b'"Practitioner/', b'"\\ud800'),
        GOOD.replace(b'"value": 2.4', b'"value": NaN'),
        GOOD.replace(b'"value": 2.4', b'"value": Infinity'),
        GOOD.replace(b'"value": 2.4', b'"value": -Infinity'),
        GOOD.replace(b'"value": 2.4', b'"value": 02.4'),
        GOOD.replace(b'"value": 2.4', b'"value": 2.'),
    ],
)
def test_what_is_not_a_json_object_is_refused(client: FlaskClient, body: bytes) -> None:
    refused(post(client, body), 400)


@pytest.mark.requirement(12)
def test_a_body_of_17_mib_is_too_large_and_is_not_parsed(client: FlaskClient) -> None:
    refused(post(client, b"[" * (17 * 1024 * 1024)), 413)
    refused(client.post(address() + "/feedback", data=b"x" * (17 * 1024 * 1024)), 413)


@pytest.mark.requirement(12)
def test_a_body_of_just_16_mib_is_read(client: FlaskClient) -> None:
    limit = 16 * 1024 * 1024
    padded = GOOD + b" " * (limit - len(GOOD))
    assert answered(post(client, padded))["cards"]
    refused(post(client, padded + b" "), 413)


@pytest.mark.parametrize("key", ["conditions", "laboratory", "unheard-of"])
def test_ten_thousand_entries_are_read_and_one_more_is_too_large(client: FlaskClient, key: str) -> None:
    # The good request spends two entries elsewhere: the patient and the potassium.
    spent = {"conditions": 2, "laboratory": 1, "unheard-of": 2}[key]
    entries: list[Any] = [{"resourceType": "Basic"}] * (10_000 - spent)
    assert "cards" in answered(post(client, request(prefetch={key: bundle(*entries)})))
    entries.append({"resourceType": "Basic"})
    issue = refused(post(client, request(prefetch={key: bundle(*entries)})), 413)
    assert "10000" in issue["diagnostics"]
    assert "_count" in issue["diagnostics"]


@pytest.mark.parametrize(
    "marked",
    [
        request("order-sign", prefetch={"laboratory": "@"}),
        request("order-sign", prefetch={"laboratory": bundle(potassium(extension="@"))}),
        request("order-sign", prefetch="@"),
        request("order-sign", extension={"a": "@"}),
        request("order-sign", more="@"),
        with_context("order-sign", draftOrders={"resourceType": "Bundle", "entry": "@"}),
        with_context("order-sign", more="@"),
        with_context("order-sign", patientId="@"),
    ],
)
def test_a_hundred_thousand_levels_are_refused(client: FlaskClient, marked: Any) -> None:
    body = json.dumps(marked).encode().replace(b'"@"', DEEP)
    refused(post(client, body, "order-sign"), 400)


@pytest.mark.parametrize("depth", [100, 400, 900])
def test_levels_that_can_be_skipped_are_skipped(client: FlaskClient, depth: int) -> None:
    body = json.dumps(request(more="@", prefetch={"laboratory": bundle(potassium(extension="@"))}))
    found = post(client, body.replace('"@"', "[" * depth + "]" * depth).encode())
    assert answered(found)["cards"]


@pytest.mark.parametrize(
    "number",
    [
        "1e999",
        "-1e999",
        "1e-999",
        "2" * 1000000,
        "2." + "4" * 1000000,
        '"NaN"',
        '"2.4"',
        "null",
        "true",
        "[]",
        "{}",
        '"Sentinelmann"',
    ],
)
def test_a_number_nobody_can_use_is_unknown_and_costs_only_itself(
    client: FlaskClient, number: str
) -> None:
    marked = json.dumps(request(prefetch={"laboratory": bundle(potassium("@"))})).encode()
    found = post(client, marked.replace(b'"@"', number.encode()))
    body = answered(found)
    assert rule(body, RULE)["outcome"] == "unknown"
    assert all(card["indicator"] != "critical" for card in body["cards"])
    assert len(found.data) < 100_000
    beside = json.dumps(
        request(
            prefetch={
                "laboratory": bundle(potassium(), potassium("@", number=2, code={"text": "something"}))
            }
        )
    ).encode()
    assert answered(post(client, beside.replace(b'"@"', number.encode())))["cards"]


def test_a_result_without_a_number_is_said_to_be_unreadable_once(client: FlaskClient) -> None:
    heavy_legs = {
        "resourceType": "Condition",
        "id": "c-1",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "161873000"}]},
        "onsetDateTime": "2026-11-10",
    }
    brought = {"conditions": bundle(heavy_legs), "laboratory": bundle(potassium("2,4"))}
    body = answered(post(client, request(prefetch=brought)))
    summaries = [card["summary"] for card in body["cards"]]
    assert [one for one in summaries if one.startswith("Potassium cannot be read, heavy legs")], (
        summaries
    )


@pytest.mark.parametrize("number", ["1e999", "9" * 200_000, "NaN"])
@pytest.mark.parametrize("place", ["expires_in", "extension"])
def test_absurd_numbers_in_the_envelope_are_refused_or_ignored(
    client: FlaskClient, number: str, place: str
) -> None:
    token = {
        "access_token": "t",
        "token_type": "Bearer",
        "expires_in": "@",
        "scope": "s",
        "subject": "s",
    }
    whole = (
        request(fhirServer="https://ehr.example", fhirAuthorization=token)
        if place == "expires_in"
        else request(extension={"a": "@"})
    )
    found = post(client, json.dumps(whole).encode().replace(b'"@"', number.encode()))
    assert found.status_code in (200, 400)
    assert place == "extension" or found.status_code == 400


@pytest.mark.parametrize("kelvin", [40, 40.0, 1000, 0, -2.4])
def test_a_potassium_of_40_is_implausible_and_that_is_said(client: FlaskClient, kelvin: float) -> None:
    body = answered(post(client, request(prefetch={"laboratory": bundle(potassium(kelvin))})))
    assert rule(body, RULE)["outcome"] == "unknown"
    assert any("potassium" in fact for fact in rule(body, RULE)["missing"])
    assert all(card["indicator"] != "critical" for card in body["cards"])


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"hook": ', b'"hook": "order-sign", "hook": ', "the body"),
        (b'"prefetch": ', b'"prefetch": {}, "prefetch": ', "the body"),
        (b'"patientId": ', b'"patientId": "Sentinelmann", "patientId": ', "context"),
        (b'"conditions": ', b'"conditions": null, "conditions": ', "prefetch"),
        (b'"scope": ', b'"patient": "Sentinelmann", "scope": ', "fhirAuthorization"),
    ],
)
def test_a_key_that_stands_twice_in_the_envelope_is_refused(
    client: FlaskClient, old: bytes, new: bytes, where: str
) -> None:
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 1, "scope": "s", "subject": "s"}
    token["patient"] = json.loads(GOOD)["context"]["patientId"]
    whole = json.dumps(request(fhirServer="https://ehr.example", fhirAuthorization=token)).encode()
    assert answered(post(client, whole))["cards"]
    issue = refused(post(client, whole.replace(old, new, 1)), 400)
    assert issue["expression"] == [where]


def test_of_a_key_that_stands_twice_in_a_resource_the_last_counts(client: FlaskClient) -> None:
    twice = GOOD.replace(b'"value": 2.4', b'"value": 4.1, "value": 2.4')
    assert "2.4 mmol/L" in answered(post(client, twice))["cards"][0]["summary"]
    assert (
        answered(post(client, GOOD.replace(b'"value": 2.4', b'"value": 2.4, "value": 4.1')))["cards"]
        == []
    )


@pytest.mark.requirement(11)
@pytest.mark.parametrize("field", ["patientId", "encounterId"])
@pytest.mark.parametrize(
    "value", ["a/Sentinelmann", "Patient/Sentinelmann", "Sentinel mann", "Sentinelmann\n"]
)
def test_an_id_with_a_slash_or_a_blank_is_refused(client: FlaskClient, field: str, value: str) -> None:
    issue = refused(post(client, with_context(**{field: value})), 400)
    assert issue["expression"] == [f"context.{field}"]


def test_invalid_utf_8_inside_a_resource_costs_that_resource(client: FlaskClient) -> None:
    broken = potassium(number=2, code={"text": "@@"})
    marked = json.dumps(request(prefetch={"laboratory": bundle(potassium(), broken)})).encode()
    assert answered(post(client, marked.replace(b"@@", b"\xff\xfe")))["cards"]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "gzip, identity"])
def test_a_compressed_body_is_refused_by_name(client: FlaskClient, encoding: str) -> None:
    found = post(client, gzip.compress(GOOD), headers={"Content-Encoding": encoding})
    issue = refused(found, 400)
    assert issue["expression"] == ["Content-Encoding"]


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
def test_a_body_that_is_not_compressed_may_say_so(client: FlaskClient, encoding: str) -> None:
    assert answered(post(client, GOOD, headers={"Content-Encoding": encoding}))["cards"]


def test_a_compressed_body_that_does_not_say_so_is_not_json(client: FlaskClient) -> None:
    refused(post(client, gzip.compress(GOOD)), 400)


EDGES = [
    "0001-01-01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31",
    "9999-12-31T23:59:59-12:00",
    "0000-00-00",
    "2026-02-30",
    "2026-11-22T25:00:00Z",
    "2026-11-22T07:40:60Z",
    "2026-11-22T07:40:00+99:99",
    "Sentinelmann",
    "2026",
    "-2026-11-22",
    "2026-11-22T07:40:00.123456789123456789Z",
    "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0662\u0662",
    "",
]


@pytest.mark.parametrize("when", EDGES)
def test_dates_at_the_edge_of_time_break_nothing(client: FlaskClient, when: str) -> None:
    for changed in ({"effectiveDateTime": when}, {"issued": when}, {"effectivePeriod": {"start": when}}):
        whole = request(
            prefetch={
                "laboratory": bundle(potassium(number=1), potassium(4.0, number=2, **changed)),
                "conditions": bundle(
                    {
                        "resourceType": "Condition",
                        "id": "c",
                        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]},
                        "onsetDateTime": when,
                        "abatementDateTime": when,
                        "recordedDate": when,
                    }
                ),
            }
        )
        assert "cards" in answered(post(client, whole))
    for born in ({"birthDate": when}, {"deceasedDateTime": when}):
        whole = request()
        whole["prefetch"]["patient"].update(born)
        assert "cards" in answered(post(client, whole))


@pytest.mark.parametrize(
    "now", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_at_the_edge_of_time_is_answered_or_refused(client: FlaskClient, now: str) -> None:
    found = post(client, request(extension={"org.heavylegs.now": now}))
    assert found.status_code in (200, 400)


@pytest.mark.parametrize("now", [NAME, "2026", "2026-11-22", 5, None, "", {}, "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_is_refused_or_not_there(client: FlaskClient, now: Any) -> None:
    found = post(client, request(extension={"org.heavylegs.now": now}))
    if now is None:
        assert "cards" in answered(found)
    else:
        assert refused(found, 400)["expression"] == ["extension.org.heavylegs.now"]
