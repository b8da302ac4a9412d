"""What a card looks like on the wire: nothing null, nothing empty."""

from typing import Any

import jsonschema
import msgspec
import pytest

from cds_service.hooks import schemas
from cds_service.hooks.card import Action, Card, Coding, Source, Suggestion
from cds_service.hooks.encoding import response

UUID = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
ORDER = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "proposal",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
    "subject": {"reference": "Patient/1"},
}
BASIS: dict[str, Any] = {
    "rules": [{"id": "k-01-low-potassium", "version": 1}],
    "cause": "electrolytes",
    "ruleBase": {"version": "2026.11", "digest": "0" * 64},
}
BARE = Card(uuid=UUID, summary="s", indicator="info", source=Source(label="l"))


def with_order(resource: dict[str, Any]) -> Card:
    action = Action(type="create", description="d", resource=resource)
    suggestion = Suggestion(label="l", uuid=UUID, actions=(action,))
    return msgspec.structs.replace(BARE, suggestions=(suggestion,), selectionBehavior="any")


def decoded(*cards: Card, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(response(cards, more.get("evaluation", ())))
    schemas.validator("response").validate(found)
    return found


@pytest.mark.requirement(25)
def test_no_advice_is_an_empty_list_of_cards() -> None:
    assert response(()) == b'{"cards":[]}'


@pytest.mark.requirement(2)
def test_what_is_not_there_is_omitted() -> None:
    assert decoded(BARE) == {
        "cards": [{"uuid": UUID, "summary": "s", "indicator": "info", "source": {"label": "l"}}]
    }


@pytest.mark.requirement(28)
@pytest.mark.requirement(33)
def test_a_whole_card() -> None:
    topic = Coding(system="https://x.example", code="k01")
    card = msgspec.structs.replace(
        with_order(ORDER),
        source=Source(label="l", url="https://x.example/g", topic=topic),
        overrideReasons=(Coding(system="https://x.example", code="c", display="d"),),
        detail="**Why**",
        extension={"org.heavylegs.basis": BASIS},
    )
    (found,) = decoded(card)["cards"]
    assert found["selectionBehavior"] == "any"
    assert found["suggestions"][0]["actions"][0]["resource"] == ORDER
    assert found["source"]["topic"] == {"system": "https://x.example", "code": "k01"}


def test_the_evaluation_is_an_extension_of_the_response() -> None:
    line = {"id": "k-01", "version": 1, "outcome": "silent", "shown": "nothing"}
    found = decoded(evaluation=[line])
    assert found["extension"] == {"org.heavylegs.evaluation": [line]}


@pytest.mark.parametrize(
    "spoiled",
    [
        {**BASIS, "rules": []},
        {**BASIS, "ruleBase": {"version": "2026.11"}},
        {**BASIS, "facts": [{"name": "potassium", "value": 2.4}]},
        {**BASIS, "facts": [{"name": "potassium", "patient": "Ada"}]},
        {**BASIS, "note": "new"},
    ],
)
def test_the_shape_of_our_own_extension_is_promised(spoiled: dict[str, Any]) -> None:
    assert decoded(msgspec.structs.replace(BARE, extension={"org.heavylegs.basis": BASIS}))
    with pytest.raises(jsonschema.ValidationError):
        decoded(msgspec.structs.replace(BARE, extension={"org.heavylegs.basis": spoiled}))
