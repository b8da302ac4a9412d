"""The rule base as it stands for one client: its region, its thresholds, its codes for orders."""

from collections.abc import Mapping
from decimal import Decimal

from cds_service.rulebase.model import Coded, RuleBase
from cds_service.rulebase.overrides import with_thresholds
from cds_service.rulebase.regions import for_region


def tailored(
    rule_base: RuleBase,
    *,
    region: str = "",
    thresholds: Mapping[str, Mapping[str, Decimal]] = {},
    order_codes: Mapping[str, tuple[Coded, ...]] = {},  # noqa: ARG001 - being built
) -> RuleBase:
    """The rule base with a client's choices in it, and in its digest; itself when there are none."""
    return with_thresholds(for_region(rule_base, region), thresholds)
