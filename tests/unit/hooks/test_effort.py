"""A body made to be slow is refused as quickly as any other: at most a few seconds for 16 MiB."""

import json
from time import perf_counter
from typing import Any

import pytest

from cds_service.failures import Failure
from cds_service.hooks import feedback, request

ENTRY = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-22T08:00:00Z"}
CONTEXT = {"userId": "Practitioner/1", "patientId": "1", "draftOrders": {"resourceType": "Bundle"}}
MANY = 300_000
FIT = 50_000  # so many short items, within what a member may have


def called(**members: Any) -> bytes:
    whole = {"hook": "order-select", "hookInstance": "x", "context": {**CONTEXT, "selections": []}}
    return json.dumps({**whole, **members}).encode()


def keys(value: bytes, number_of: int = MANY) -> bytes:
    return b"{" + b",".join(b'"k%d":%s' % (number, value) for number in range(number_of)) + b"}"


TWICE = keys(b"1")[:-1] + b',"k%d":1}' % (MANY - 1)
FEWER_TWICE = keys(b"1", FIT // 3)[:-1] + b',"k1":1}'
BODIES = {
    "wrong selections": called(context={**CONTEXT, "selections": [1] * FIT}),
    "the last selection wrong": called(context={**CONTEXT, "selections": ["a"] * FIT + [1]}),
    "a repeated key among many": called(extension="@").replace(b'"@"', FEWER_TWICE),
    "a member beyond what is read": called(extension="@").replace(b'"@"', TWICE),
    "a repeated key among many at the top": TWICE,
    "many prefetch keys": called(prefetch="@").replace(b'"@"', keys(b"null")),
    "many wrong prefetch keys": called(prefetch="@").replace(b'"@"', keys(b"1")),
    "many members": called()[:-1] + b"," + keys(b"1")[1:],
    "many keys in the context": called(context="@").replace(b'"@"', keys(b"1")),
    "a key of many escapes": b'{"' + b'\\"' * 5_000_000 + b'": 1}',
    "a key that does not end": b'{"' + b'\\"' * 5_000_000,
}
FEEDBACK = {
    "wrong entries": {"feedback": [1] * MANY},
    "too many entries": {"feedback": [ENTRY] * (MANY // 20)},
    "many wrong suggestions": {"feedback": [{**ENTRY, "acceptedSuggestions": [{"id": 1}] * 2000}] * 50},
    "many right suggestions, one wrong": {
        "feedback": [{**ENTRY, "acceptedSuggestions": [{"id": "s"}] * 2000}] * 50 + [1]
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hook_request_made_to_be_slow_is_refused_soon(name: str) -> None:
    begun = perf_counter()
    with pytest.raises(Failure):
        request.parse(BODIES[name], service="s", hook="order-select")
    assert perf_counter() - begun < 3


@pytest.mark.parametrize("name", FEEDBACK)
def test_feedback_made_to_be_slow_is_refused_soon(name: str) -> None:
    body = json.dumps(FEEDBACK[name]).encode()
    begun = perf_counter()
    with pytest.raises(Failure):
        feedback.parse(body)
    assert perf_counter() - begun < 3


def test_a_wrong_item_far_down_is_still_named() -> None:
    with pytest.raises(Failure) as caught:
        request.parse(BODIES["the last selection wrong"], service="s", hook="order-select")
    assert caught.value.where == f"context.selections.{FIT}"
