"""A decision's cards as a response body."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cds_service.hooks.card import Card

EVALUATION = "org.heavylegs.evaluation"
NOT_READ = "org.heavylegs.not-read"


def response(
    cards: Sequence[Card],
    evaluation: Sequence[Mapping[str, Any]] = (),
    not_read: Sequence[Mapping[str, str]] = (),
) -> bytes:
    """The response body.

    Args:
        cards: in the order to be shown.
        evaluation: one entry per rule, where the client wants it.
        not_read: what was not delivered, dropped or unreadable, and why; beside the evaluation.
    """
    body: dict[str, Any] = {"cards": list(cards)}
    extension = {EVALUATION: list(evaluation), NOT_READ: list(not_read)}
    told = {name: value for name, value in extension.items() if value}
    if told:
        body["extension"] = told
    return msgspec.json.encode(body)
