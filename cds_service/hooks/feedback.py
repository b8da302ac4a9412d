"""A feedback body, read tolerantly: real clients differ (requirement 49)."""

from typing import Any

import msgspec

from cds_service.hooks import schemas
from cds_service.hooks.envelope import members, plain

LARGEST = 2 * 1024 * 1024  # bytes: five hundred entries, with comments of four KiB


class Feedback(msgspec.Struct, frozen=True):
    """What became of one card.

    `reason` is the override reason's code as the client sent it; `own_reason` one of the EHR's own,
    which it sends beside that (requirement 49). `comment` is free text by a clinician and is treated
    as protected.
    """

    card: str
    outcome: str
    timestamp: str
    suggestions: tuple[str, ...] = ()
    reason: str = ""
    reason_system: str = ""
    comment: str = ""
    own_reason: str = ""


def parse(body: bytes) -> tuple[Feedback, ...]:
    """Every entry of a feedback body.

    Raises:
        Failure: incorrect, naming the JSON path; too-large beyond `LARGEST`.
    """
    members(body, "the body")  # refuses what is no JSON object as it does for a hook request
    whole = plain(body, "the body", LARGEST)
    schemas.check("feedback", whole)
    return tuple(_entry(one) for one in whole["feedback"])


def _entry(one: dict[str, Any]) -> Feedback:
    # Epic writes `overrideReasons` and puts its own reason into an extension.
    override = one.get("overrideReason") or one.get("overrideReasons") or {}
    reason = override.get("reason") or {}
    return Feedback(
        card=one["card"],
        outcome=one["outcome"],
        timestamp=one["outcomeTimestamp"],
        suggestions=tuple(each["id"] for each in one.get("acceptedSuggestions") or ()),
        reason=reason.get("code", ""),
        reason_system=reason.get("system", ""),
        comment=override.get("userComment", ""),
        own_reason=_epic(override.get("extension") or {}),
    )


def _epic(extension: dict[str, Any]) -> str:
    found = extension.get("com.epic.cdshooks.feedback.overrideReason.code", "")
    return str(found) if isinstance(found, str | int) else ""
