"""Text of a record never renders, hides or deceives on a card (requirement 31; ARCHITECTURE 6)."""

import re
import unicodedata

import pytest
from flask.testing import FlaskClient

from tests.conformance.calls import (
    Json,
    answered,
    bundle,
    knee_order,
    medicine,
    post,
    potassium,
    request,
    walk,
)

HIDDEN = (
    "\u202e\u202d\u2066\u2069\u200b\u200d\u200e\ufeff\u00ad\u061c\x1b\x07\x00\x7f\x9b\U000e0041\ue000"
)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<b>bold</b>",
    "[click](javascript:alert(1))",
    "![p](https://evil.example/pixel.png)",
    "https://evil.example/a",
    "www.evil.example",
    "mailto:a@evil.example",
    "**bold** _it_ `code` ~~gone~~",
    "| a | b |\n| - | - |\n| 1 | 2 |",
    "line one\n\n# Heading\n- item",
    "&lt;script&gt; &#60;b&#62;",
    "\\*escaped\\*",
    f"plain{HIDDEN}text",
    "$(touch /tmp/x) `id` ${7*7} {{7*7}} {potassium}",
    "x" * 5000,
]
MARKUP = re.compile(r"(?<!\\)[`*_\[\]<>|~&]")
OURS = re.compile(r"\*\*(?:Why|Consider|Not known|Source|Also considered)\*\*")


def shown(body: Json) -> list[tuple[str, str]]:
    """Every text that an EHR shows as plain text, with its path."""
    plain = ("summary", "label", "description", "display")
    return [
        (path, value)
        for path, value in walk(body["cards"])
        if isinstance(value, str) and path.rpartition(".")[2] in plain
    ]


def harmless(body: Json, hostile: str) -> None:
    assert body["cards"]
    for path, text in shown(body):
        assert "\n" not in text, path
        assert not [ch for ch in text if unicodedata.category(ch) in ("Cc", "Cf", "Co", "Cn", "Zl")], (
            path
        )
        assert len(text) < 300, path
    for card in body["cards"]:
        assert len(card["summary"]) < 140
        detail = card.get("detail", "")
        assert not [ch for ch in detail if unicodedata.category(ch) in ("Cf", "Co", "Cn", "Zl")]
        assert not [ch for ch in detail if unicodedata.category(ch) == "Cc" and ch != "\n"]
        assert MARKUP.findall(OURS.sub("", detail)) == [], detail
        assert "https://evil" not in detail
        assert "www.evil" not in detail
        assert "a@evil" not in detail
        for line in detail.split("\n\n"):
            assert line.startswith("**"), line
    assert hostile != "x" * 5000 or "x" * 500 not in str(body)


@pytest.mark.requirement(28, 31)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_name_of_a_medicine(client: FlaskClient, hostile: str) -> None:
    whole = request(prefetch={"medicationRequests": bundle(medicine(f"furosemide {hostile}"))})
    body = answered(post(client, whole))
    assert "furosemide" in body["cards"][0]["summary"] + body["cards"][0]["detail"]
    harmless(body, hostile)


@pytest.mark.requirement(31)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_name_of_an_order(client: FlaskClient, hostile: str) -> None:
    harmless(answered(post(client, knee_order("order-sign", f"MRI {hostile}"), "order-sign")), hostile)


@pytest.mark.requirement(31)
@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("field", ["unit", "id", "text", "note", "comparator"])
def test_the_parts_of_a_result(client: FlaskClient, hostile: str, field: str) -> None:
    changes: dict[str, Json] = {
        "unit": {"valueQuantity": {"value": 2.4, "unit": hostile, "code": "mmol/L"}},
        "id": {"id": hostile},
        "text": {
            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": hostile}]}
        },
        "note": {"note": [{"text": hostile}]},
        "comparator": {"valueQuantity": {"value": 2.4, "unit": "mmol/L", "comparator": hostile}},
    }
    changed = changes[field]
    own: Json = {
        "code": {
            "coding": [{"system": "http://snomed.info/sct", "code": "161873000", "display": hostile}]
        }
    }
    condition: Json = {"resourceType": "Condition", "id": hostile, "onsetDateTime": "2026-11-10", **own}
    whole = request(
        prefetch={"laboratory": bundle(potassium(**changed)), "conditions": bundle(condition)}
    )
    body = answered(post(client, whole))
    if body["cards"]:
        harmless(body, "" if field == "id" else hostile)  # an id of any length is handed back whole


@pytest.mark.requirement(41)
def test_an_order_is_valid_r4_whatever_the_record_calls_its_resources(client: FlaskClient) -> None:
    # `validate` is on here: an invalid reference in an order would be a fault, not an answer.
    for name in ("a b", "<x>", "x" * 194, "ä", "a/b", "", HIDDEN):
        whole = request(prefetch={"laboratory": bundle(potassium(id=name))})
        assert answered(post(client, whole))["cards"], name
