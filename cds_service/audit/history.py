"""What this client's users overrode before for a patient, read back from the log.

Feedback names a card, never a patient; the card's row names the patient, as a keyed hash. What counts
is what the log says: the index only points to it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from cds_service.audit.allowlist import Allowlist
from cds_service.audit.log import AuditLog
from cds_service.fhir import dates
from cds_service.hooks.request import Question
from cds_service.presentation.suppression import History, Override
from cds_service.rulebase.model import Indicator

# Of each card the newest feedback: who first dismisses a card and then accepts it has not overridden it.
_NEWEST = """
SELECT card.body, said.body FROM cards
JOIN feedback ON feedback.card = cards.card AND feedback.client = cards.client
JOIN rows AS card ON card.row = cards.row
JOIN rows AS said ON said.row = feedback.row
WHERE cards.patient = ?
  AND NOT EXISTS (
    SELECT 1 FROM feedback AS later
    WHERE later.card = feedback.card AND later.client = feedback.client AND later.row > feedback.row
  )
ORDER BY feedback.row DESC LIMIT 500
"""
_SHOWN = """
SELECT cards.client, rows.body FROM cards JOIN rows ON rows.row = cards.row WHERE cards.card = ?
"""
_INDICATORS = frozenset(get_args(Indicator))


def history_of(log: AuditLog, question: Question) -> History:
    """The overrides of this question's patient, by this client; the newest first.

    An override counts for every rule that spoke on the card, as strongly as it spoke there, from the
    time the feedback reached us or the earlier time it claims: a client's clock cannot prolong quiet.
    Whether a rule may be quiet at all is decided by `presentation.suppression`.

    Raises:
        Failure: unavailable.
    """
    patient = Allowlist(log.secret).patient(question)
    return History(
        tuple(
            one
            for card, said in log.select(_NEWEST, (patient,))
            for one in _overrides(_event(card), _event(said), patient)
        )
    )


class Shown(msgspec.Struct, frozen=True):
    """A card that was shown: to which client, as the log names it, and with which suggestions."""

    client: str
    suggestions: frozenset[str]


def shown(log: AuditLog, kept: Allowlist, card: str) -> Shown | None:
    """What is known of a card by its uuid; None of one that nobody was shown.

    Raises:
        Failure: unavailable.
    """
    for client, body in log.select(_SHOWN, (kept.uuid(card),)):
        suggested = (
            offered["uuid"]
            for one in _event(body).get("cards", ())
            if one["uuid"] == card
            for offered in one.get("suggestions", ())
        )
        return Shown(client, frozenset(suggested))
    return None


def _event(body: bytes) -> Mapping[str, Any]:
    """An event; one that cannot be read says nothing, so that its card is shown again."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _overrides(shown: Mapping[str, Any], said: Mapping[str, Any], patient: str) -> Iterator[Override]:
    if said.get("kind") != "feedback" or said.get("outcome") != "overridden":
        return
    if shown.get("patient") != patient or shown.get("client", "") != said.get("client", ""):
        return
    at = _since(said)
    for card in shown.get("cards", ()):
        if at is None or card["uuid"] != said["card"]:
            continue
        for rule in card["rules"]:
            indicator = rule.get("indicator") or card["indicator"]
            if indicator in _INDICATORS:
                reason = said.get("means") or said.get("reason", "")
                yield Override(rule["rule"], indicator, reason, at, rule.get("side", ""))


def _since(said: Mapping[str, Any]) -> datetime | None:
    moments = (dates.parse(said.get(name), UTC) for name in ("time", "claimed"))
    return min((one.start for one in moments if one is not None), default=None)
