"""What evaluating one rule gives, and what the client's policy says about rules."""

from typing import Literal

import msgspec

from cds_service.rulebase.model import SEVERITY, Indicator, Status

Outcome = Literal["fires", "silent", "unknown", "failed"]
Showing = Literal[
    "card",
    "merged",
    "folded",
    "yielded",
    "suppressed",
    "withheld",
    "silent-mode",
    "not-this-hook",
    "not-assessed",
    "nothing",
]
LegSide = Literal["", "left", "right", "both", "unknown"]


class Policy(msgspec.Struct, frozen=True):
    """What a client has chosen within the bounds the content allows.

    `card_cap` None takes the rule base's own. Its thresholds are not here: they are in its rule base
    (`clients.tailoring`).
    """

    card_cap: int | None = None
    statuses: frozenset[Status] = frozenset({"draft", "in-review", "active"})
    disabled: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    silent_mode: bool = False
    evaluation: bool = False
    intent: Literal["proposal", "plan", "order"] = "proposal"


class Finding(msgspec.Struct, frozen=True):
    """One rule's result for one patient, or for one leg.

    `because`: the facts at the bottom that made it fire. `missing`: the facts that leave it, or a
    higher level of it, unknown. `asks`: it is unknown for want of facts worth asking for.
    `shown` and `shown_reason` are settled by `presentation`.
    """

    rule: str
    version: int
    outcome: Outcome
    reason: str = ""
    indicator: Indicator | None = None
    level: int | None = None
    side: LegSide = ""
    because: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    asks: bool = False
    shown: Showing = "nothing"
    shown_reason: str = ""

    @property
    def speaks(self) -> bool:
        """Whether it has something to show, before anything else has its say."""
        return self.outcome == "fires" or self.asks

    @property
    def severity(self) -> int:
        """How grave it is, for comparing; what names no level counts as information."""
        return SEVERITY[self.indicator or "info"]
