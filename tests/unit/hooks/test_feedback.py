"""Feedback as real clients send it, and what is refused."""

import json
from typing import Any

import pytest

from cds_service.failures import Failure, Kind
from cds_service.hooks.feedback import Feedback, parse

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
WHEN = "2026-11-22T08:15:00Z"
COMMENT = "Mustermann refuses, see Dr. Muster"


def entry(**members: Any) -> dict[str, Any]:
    whole = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": WHEN, **members}
    return {key: value for key, value in whole.items() if value is not ...}


def read(*entries: Any) -> tuple[Feedback, ...]:
    return parse(json.dumps({"feedback": entries}).encode())


@pytest.mark.requirement(45)
def test_accepted() -> None:
    found = read(entry(outcome="accepted", acceptedSuggestions=[{"id": "s-1"}, {"id": "s-2"}]))
    assert found == (Feedback(CARD, "accepted", WHEN, ("s-1", "s-2")),)


@pytest.mark.requirement(45)
def test_overridden_without_a_reason() -> None:
    assert read(entry()) == (Feedback(CARD, "overridden", WHEN),)


@pytest.mark.requirement(45)
def test_overridden_with_a_reason_and_a_comment() -> None:
    reason = {"code": "patient-refuses", "system": "http://x.example", "display": "Patient refuses"}
    (found,) = read(entry(overrideReason={"reason": reason, "userComment": COMMENT}))
    assert (found.reason, found.reason_system, found.comment) == (
        "patient-refuses",
        "http://x.example",
        COMMENT,
    )


@pytest.mark.requirement(49)
@pytest.mark.parametrize(
    "reason", [{"code": "c"}, {"code": "c", "display": "d"}, {"code": "c", "system": ""}]
)
def test_a_reason_may_lack_system_and_display(reason: dict[str, str]) -> None:
    (found,) = read(entry(overrideReason={"reason": reason}))
    assert (found.reason, found.reason_system) == ("c", "")


@pytest.mark.requirement(49)
@pytest.mark.parametrize("override", [{"userComment": COMMENT}, {"reason": {}}, {}, None])
def test_a_reason_may_be_missing_where_one_is_announced(override: Any) -> None:
    (found,) = read(entry(overrideReason=override))
    assert found.reason == ""


@pytest.mark.requirement(49)
def test_epics_override_reasons() -> None:
    epic = entry(
        card="urn:example:card:1",
        overrideReasons={
            "reason": {"code": "patient-refuses", "system": "http://x.example"},
            "userComment": COMMENT,
            "extension": {
                "com.epic.cdshooks.feedback.overrideReason.code": "2",
                "com.epic.cdshooks.feedback.overrideReason.title": "Does not meet criteria",
            },
        },
    )
    (found,) = read(epic)
    assert (found.card, found.reason, found.comment) == (
        "urn:example:card:1",
        "patient-refuses",
        COMMENT,
    )


@pytest.mark.requirement(46)
def test_several_cards_and_the_same_card_again() -> None:
    accepted = entry(outcome="accepted", acceptedSuggestions=[{"id": "s"}])
    assert [one.outcome for one in read(entry(), accepted, entry(card="other"))] == [
        "overridden",
        "accepted",
        "overridden",
    ]


@pytest.mark.requirement(3)
def test_unknown_members_are_ignored() -> None:
    assert read(entry(extension={"x": 1}, more=[1])) == read(entry())


@pytest.mark.requirement(45)
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (entry(card=...), "feedback.0"),
        (entry(card=""), "feedback.0.card"),
        (entry(card=5), "feedback.0.card"),
        (entry(card="x" * 201), "feedback.0.card"),
        (entry(outcome=...), "feedback.0"),
        (entry(outcome="ignored Mustermann"), "feedback.0.outcome"),
        (entry(outcomeTimestamp=...), "feedback.0"),
        (entry(outcomeTimestamp=5), "feedback.0.outcomeTimestamp"),
        (entry(outcome="accepted"), "feedback.0"),
        (entry(outcome="accepted", acceptedSuggestions=[{}]), "feedback.0.acceptedSuggestions.0"),
        (entry(outcome="accepted", acceptedSuggestions=["s"]), "feedback.0.acceptedSuggestions.0"),
        (entry(overrideReason="Mustermann"), "feedback.0.overrideReason"),
        (entry(overrideReason={"reason": "Mustermann"}), "feedback.0.overrideReason.reason"),
        (entry(overrideReason={"userComment": [COMMENT]}), "feedback.0.overrideReason.userComment"),
        ("Mustermann", "feedback.0"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_path(wrong: Any, where: str) -> None:
    with pytest.raises(Failure) as caught:
        read(wrong)
    assert (caught.value.kind, caught.value.where) == (Kind.INCORRECT, where)
    assert "Muster" not in str(caught.value)


@pytest.mark.requirement(45)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"feedback": {}}',
        b'{"feedback": []}',
        b'{"feedback": null}',
        b"\xff",
        b"{",
        b'\xef\xbb\xbf{"feedback": []}',
        b'{"feedback": [], "feedback": []}',
        b'{"feedback": [NaN]}',
    ],
)
def test_a_body_that_is_no_feedback_is_refused(raw: bytes) -> None:
    with pytest.raises(Failure) as caught:
        parse(raw)
    assert caught.value.kind is Kind.INCORRECT


def test_a_surrogate_and_a_hundred_thousand_levels_are_refused() -> None:
    lone = json.dumps({"feedback": [entry(card="@")]}).encode()
    for bad in (b'"\\ud800"', b'"\xed\xa0\x80"', b"[" * 100_000 + b"]" * 100_000):
        with pytest.raises(Failure):
            parse(lone.replace(b'"@"', bad))


def test_a_repeated_key_is_refused_at_every_depth() -> None:
    raw = json.dumps({"feedback": [entry()]}).encode()
    with pytest.raises(Failure, match="more than once"):
        parse(raw.replace(b'"card":', b'"card": "x", "card":'))


def test_more_than_five_hundred_entries_are_refused() -> None:
    assert len(read(*[entry()] * 500)) == 500
    with pytest.raises(Failure, match="feedback"):
        read(*[entry()] * 501)


def test_a_time_that_is_none_is_refused_with_one_that_is() -> None:
    with pytest.raises(Failure) as caught:
        read(entry(outcomeTimestamp="yesterday"))
    assert "2026-11-23T14:50:00Z" in str(caught.value)
