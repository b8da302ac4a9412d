"""What the CRD test kit would find (requirement 84): no fault in any answer, each in a spoilt one."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance import crd_kit
from tests.conformance.calls import Json, walk
from tests.conformance.conftest import Call

ORDER = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "proposal",
    "subject": {"reference": "Patient/p"},
}
REQUEST: Json = {
    "context": {
        "draftOrders": {"entry": [{"resource": {**ORDER, "id": "d"}}, {"fullUrl": "urn:uuid:1"}]}
    }
}
CODING = {"system": "https://x.example", "code": "c", "display": "d"}
WHOLE: Json = {
    "cards": [
        {
            "uuid": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
            "summary": "s" * 139,
            "indicator": "info",
            "detail": "d",
            "source": {"label": "l", "url": "https://x.example/", "topic": CODING},
            "selectionBehavior": "any",
            "overrideReasons": [CODING],
            "links": [
                {"label": "l", "url": "https://x.example/a", "type": "absolute"},
                {"label": "l", "url": "https://x.example/a", "type": "smart", "appContext": "x"},
            ],
            "suggestions": [
                {
                    "label": "l",
                    "isRecommended": True,
                    "actions": [
                        {"type": "create", "description": "d", "resource": ORDER},
                        {"type": "update", "description": "d", "resource": {**ORDER, "id": "d"}},
                        {"type": "delete", "description": "d", "resourceId": "ServiceRequest/d"},
                    ],
                }
            ],
        }
    ]
}


def at(body: Json, path: str) -> tuple[Any, Any]:
    """Return what holds the last step of a path, and that step."""
    *before, last = [int(one) if one.isdigit() else one for one in path.split(".")]
    here: Any = body["cards"][0]
    for step in before:
        here = here[step]
    return here, last


def test_the_whole_card_is_without_fault() -> None:
    assert list(crd_kit.findings(WHOLE, REQUEST)) == []


CREATE, UPDATE, DELETE = (f"suggestions.0.actions.{number}" for number in range(3))


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("summary", "s" * 140, "summary"),
        ("summary", ..., "summary"),
        ("summary", "", "summary"),
        ("indicator", "hard-stop", "indicator"),
        ("indicator", ..., "indicator"),
        ("source", ..., "source.label"),
        ("source.label", ..., "source.label"),
        ("source.url", "x.example", "source.url"),
        ("source.url", "http://x.example", "source.url"),
        ("source.topic", ..., "source.topic"),
        ("source.topic.code", ..., "source.topic"),
        ("source.topic.system", "", "source.topic"),
        ("detail", "", "detail"),
        ("uuid", None, "uuid"),
        ("links", [], "links"),
        ("suggestions", [], "suggestions"),
        ("selectionBehavior", ..., "selectionBehavior"),
        ("selectionBehavior", "all", "selectionBehavior"),
        ("overrideReasons.0.code", ..., "overrideReasons"),
        ("overrideReasons.0.system", ..., "overrideReasons"),
        ("overrideReasons.0.display", ..., "overrideReasons"),
        ("links.0.label", ..., "links.label"),
        ("links.0.type", "relative", "links.type"),
        ("links.0.url", "/a", "links.url"),
        ("links.0.url", "javascript:alert(1)", "links.url"),
        ("links.0.appContext", "x", "links.appContext"),
        ("suggestions.0.label", " ", "suggestions.label"),
        ("suggestions.0.isRecommended", "true", "suggestions.isRecommended"),
        ("suggestions.0.actions", [], "suggestions.actions"),
        (f"{CREATE}.type", "order", "actions.type"),
        (f"{CREATE}.description", ..., "actions.description"),
        (f"{CREATE}.resource", ..., "actions.resource"),
        (f"{CREATE}.resource", {**ORDER, "category": {}}, "actions.resource"),
        (f"{CREATE}.resource", {"status": "draft"}, "actions.resource"),
        (f"{CREATE}.resource", {**ORDER, "resourceType": "Order"}, "actions.resource"),
        (f"{UPDATE}.resource", {**ORDER, "id": "e"}, "actions.resource is no draft order"),
        (f"{DELETE}.resourceId", ..., "actions.resourceId"),
        (f"{DELETE}.resourceId", "https://x.example/ServiceRequest/d", "actions.resourceId"),
        (f"{DELETE}.resourceId", "d", "actions.resourceId"),
        (f"{DELETE}.resourceId", "ServiceRequest/e", "actions.resourceId is no draft order"),
    ],
)
def test_a_spoilt_card_is_found(path: str, value: Any, found: str) -> None:
    body = copy.deepcopy(WHOLE)
    holder, name = at(body, path)
    if value is ...:
        del holder[name]
    else:
        holder[name] = value
    assert found in list(crd_kit.findings(body, REQUEST))


def test_no_cards_and_a_wrong_system_action_are_found() -> None:
    assert list(crd_kit.findings({}, REQUEST)) == ["cards is no array"]
    wrong: Json = {"cards": [], "systemActions": [{"type": "delete", "resourceId": "ServiceRequest/d"}]}
    assert list(crd_kit.findings(wrong, REQUEST)) == ["actions.description"]


@pytest.mark.requirement(84, 25, 28, 29, 30, 33, 34, 35, 38, 40, 41, 42)
def test_the_kit_would_find_nothing_in_any_answer_to_any_patient(every_call: list[Call]) -> None:
    found = {
        f"{call.patient} at {call.hook}": wrong
        for call in every_call
        if (wrong := list(crd_kit.findings(call.body, call.request)))
    }
    assert found == {}


KINDS: dict[str, Callable[[set[str]], bool]] = {
    "instructions": lambda types: not types,
    "additional orders": lambda types: types == {"create"},
    "an order withdrawn": lambda types: "delete" in types,
}


@pytest.mark.requirement(84)
@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_show_each_kind_of_card_that_we_make(every_call: list[Call], kind: str) -> None:
    """So that nothing is said of a kind for want of an example."""
    cards = [card for call in every_call for card in call.body["cards"]]
    types = [
        {action["type"] for one in card.get("suggestions", ()) for action in one["actions"]}
        for card in cards
    ]
    assert any(KINDS[kind](one) for one in types)


@pytest.mark.requirement(36)
def test_no_card_carries_a_link(every_call: list[Call]) -> None:
    assert not [call.patient for call in every_call for card in call.body["cards"] if "links" in card]


@pytest.mark.requirement(67)
def test_nothing_is_updated(every_call: list[Call]) -> None:
    types = {
        value
        for call in every_call
        for path, value in walk(call.body["cards"])
        if path.endswith(".type") and ".actions." in path and ".resource" not in path
    }
    assert types == {"create", "delete"}
