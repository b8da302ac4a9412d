"""Whatever is done to a real request, the service answers it or says what is wrong: never a 5xx."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cds_service import content
from cds_service.app import create_app
from cds_service.cases import fixtures
from cds_service.decision import assess
from cds_service.facts.model import Reason
from cds_service.facts.record import Record
from cds_service.hooks import prefetch
from cds_service.hooks import request as envelopes
from cds_service.settings import Settings
from tests.properties.generated_entries import BASE, NOW, Json
from tests.properties.generated_patients import CHANCES

FOLDER = content.folder("fhir_fixtures")


def bodies() -> Iterator[tuple[str, Json]]:
    """Every fixture patient at every hook; at encounter-start only one who has an encounter."""
    for name in fixtures.names(FOLDER):
        patient = fixtures.shifted(fixtures.load(FOLDER, name), NOW)
        kinds = {one["resourceType"] for one in fixtures.resources(patient)}
        for service in BASE.services.values():
            if service.hook != "encounter-start" or "Encounter" in kinds:
                request = fixtures.hook_request(patient, service, now=NOW, instance="i-1")
                yield f"{name} {service.id}", json.loads(fixtures.encoded(request))


BODIES = dict(bodies())
_DEEP = 3000
# Written as they are, where JSON text says what no Python value does.
_RAW = (
    *("1e999", "-1e999", "1E-400", "9" * 400, "0." + "0" * 300 + "1", "-0", "1.0e+2147483648", "5e-324"),
    *(
        "[" * _DEEP + "]" * _DEEP,
        '{"a":' * _DEEP + "1" + "}" * _DEEP,
        "NaN",
        "Infinity",
        "01",
        "'x'",
        "",
    ),
    *(
        '{"code": 1, "code": "2"}',
        '{"resourceType": "Patient", "resourceType": "Condition"}',
        '"\\ud800"',
    ),
    *('"\\u0000"', '"\\uffff"', '"\ud83d\\ude00"', "1e2", "2.50", "true", "null"),
)
_ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2**63,
        10**30,
        0.1,
        -2.5,
        "",
        " ",
        "\n",
        "null",
        "0",
        "-1",
        "1e9",
        "<3.5",
    ),
    *(
        "2026",
        "2026-11",
        "2026-13-45",
        "0001-01-01",
        "9999-12-31T23:59:59Z",
        "2026-11-22T07:40:00",
        "now",
    ),
    *(
        "2026-11-22T07:40:60+14:00",
        "Patient/",
        "/",
        "#",
        "#x",
        "urn:uuid:",
        "urn:",
        "http://",
        "a/b/c/d",
    ),
    *(
        "{{context.patientId}}",
        "<script>",
        "\u202e\u200b\u0000",
        "\U0001f9b5" * 500,
        "x" * 20000,
        "é" * 99,
    ),
    *([], {}, [[]], [{}], [None], {"": None}, {"resourceType": None}, {"resourceType": "Bundle"}),
    *(
        {"resourceType": "Patient"},
        {"coding": [{}]},
        {"value": "2.4"},
        {"start": None},
        {"reference": 1},
    ),
    *("entered-in-error", "final", "draft", "active", "<", "ad", "mmol/L", "%", "Observation", "Bundle"),
)
_MARK = re.compile('"@raw:([0-9]+)@"')


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    log = tmp_path_factory.mktemp("audit") / "audit.sqlite3"
    settings = Settings(audit_db=log, demo=True, allow_now=True, validate=True, rate="")
    return create_app(settings).test_client()


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON document, as the keys that lead there."""
    if above:
        yield above
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inner:
        if isinstance(one, dict | list):
            yield from places(one, (*above, key))
        else:
            yield (*above, key)


def changed(chance: Random, body: Json) -> None:
    """Do one thing to the document, wherever in it."""
    *way, last = chance.choice(list(places(body)))
    holder: Any = body
    for key in way:
        holder = holder[key]
    value = holder[last]
    what = chance.randrange(10)
    if what < 4:
        holder[last] = json.loads(json.dumps(chance.choice(_ODD)))
    elif what == 4:
        holder[last] = f"@raw:{chance.randrange(len(_RAW))}@"
    elif what == 5:
        del holder[last]
    elif what == 6:
        holder[last] = [value]
    elif what == 7 and isinstance(holder, list):
        holder.extend([value] * chance.choice([1, 3, 300]))
    elif what == 7:
        holder[f"{last}{chance.choice(['', 'X', 'DateTime', 'Period'])}"] = holder.pop(last)
    elif what == 8:
        *elsewhere, end = chance.choice(list(places(body)))
        other: Any = body
        for key in elsewhere:
            other = other[key]
        holder[last], other[end] = json.loads(json.dumps(other[end])), json.loads(json.dumps(value))
    else:
        holder[last] = str(value) if isinstance(value, int | float) else {"value": value}


def sent(chance: Random, body: Json) -> bytes:
    """The document as bytes, raw text in its place; now and then cut, or with bytes that are none."""
    text = _MARK.sub(lambda found: _RAW[int(found[1])], json.dumps(body))
    raw = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.08:
        at = chance.randrange(len(raw))
        return chance.choice([raw[:at], raw[:at] + b"\xff\x00" + raw[at:], raw[:at] + raw[at + 1 :]])
    return raw


def fuzzed(name: str, chance: Random) -> bytes:
    body: Json = json.loads(json.dumps(BODIES[name]))
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        if any(True for _ in places(body)):
            changed(chance, body)
    return sent(chance, body)


FUZZED = settings(
    suppress_health_check=(*settings().suppress_health_check, HealthCheck.function_scoped_fixture),
)


def told(answer: Any) -> Json:
    """The answer: cards, or an OperationOutcome that says what is wrong; nothing else."""
    assert answer.mimetype == "application/json"
    body: Json = json.loads(answer.data)
    if answer.status_code == 200:
        return body
    assert 400 <= answer.status_code < 500, (answer.status_code, body)
    assert body["resourceType"] == "OperationOutcome"
    assert all(issue["severity"] == "error" and issue["diagnostics"] for issue in body["issue"])
    return body


def test_a_fuzzed_request_is_answered_or_refused(client: FlaskClient) -> None:
    answered: Counter[int] = Counter()

    @FUZZED
    @given(st.sampled_from(sorted(BODIES)), CHANCES)
    def fuzz(name: str, chance: Random) -> None:
        raw = fuzzed(name, chance)
        service = BASE.services[name.split()[1]]
        answer = client.post(f"/cds-services/{service.id}", data=raw, content_type="application/json")
        body = told(answer)
        answered[answer.status_code] += 1
        event(str(answer.status_code))
        if answer.status_code == 200:
            outcomes = {line["outcome"] for line in body["extension"]["org.heavylegs.evaluation"]}
            assert "failed" not in outcomes
            unharmed(raw, service.id)

    fuzz()
    # Most must get past the envelope, or the readers of resources were not tried.
    assert answered[200] >= answered.total() / 2, answered


def unharmed(raw: bytes, service_id: str) -> None:
    """Check that no reader and no fact raised: what is caught there looks like any other unknown."""
    service = BASE.services[service_id]
    parsed = envelopes.parse(raw, service=service.id, hook=service.hook)
    question = parsed.question
    evidence = prefetch.read(
        parsed.prefetch, service.prefetch, question.patient, parsed.draft_orders, question.encounter
    )
    assert Record(evidence, BASE, NOW, UTC).faulty == []
    sides = assess(evidence, BASE, NOW, UTC, service.hook).sides
    assert not [one for known in sides.values() for one in known.values() if one.reason is Reason.FAULT]


def test_fuzzed_feedback_is_taken_or_refused(client: FlaskClient) -> None:
    good = {
        "feedback": [
            {
                "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
                "outcome": "accepted",
                "outcomeTimestamp": "2026-11-22T09:00:00Z",
                "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}],
            },
            {
                "card": "2a053efc-95fe-4cd4-85bb-2f52fa1ce2b8",
                "outcome": "overridden",
                "outcomeTimestamp": "2026-11-22T09:00:00Z",
                "overrideReason": {
                    "reason": {"code": "patient-declined", "system": "http://example.org/reasons"},
                    "userComment": "later",
                },
            },
        ]
    }

    @FUZZED
    @given(st.sampled_from(sorted(BASE.services)), CHANCES)
    def fuzz(service: str, chance: Random) -> None:
        body = json.loads(json.dumps(good))
        for _ in range(chance.choice([0, 1, 2, 3])):
            if any(True for _ in places(body)):
                changed(chance, body)
        raw = sent(chance, body)
        told(client.post(f"/cds-services/{service}/feedback", data=raw, content_type="application/json"))

    fuzz()
