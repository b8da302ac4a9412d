"""The rule base as it stands for one client: its region, its thresholds, its codes."""

from collections.abc import Mapping
from decimal import Decimal

from cds_service.rulebase.model import Coded, RuleBase
from cds_service.rulebase.order_codes import with_order_codes
from cds_service.rulebase.overrides import with_thresholds
from cds_service.rulebase.reason_codes import with_reason_codes
from cds_service.rulebase.regions import for_region


def tailored(
    rule_base: RuleBase,
    *,
    region: str = "",
    thresholds: Mapping[str, Mapping[str, Decimal]] = {},
    order_codes: Mapping[str, tuple[Coded, ...]] = {},
    reason_codes: Mapping[str, Coded] = {},
) -> RuleBase:
    """The rule base with a client's choices in it, and in its digest; itself when there are none.

    Args:
        rule_base: as content has it, for no region yet.
        region: whose numbers count where content has several.
        thresholds: threshold → unit → number, within the bounds that content declares.
        order_codes: order → further codings; with `-left` or `-right` after its name, those of one leg.
        reason_codes: override reason → the code that its cards offer in place of ours.

    Raises:
        Failure: incorrect, `where` naming the threshold, the order, the reason or `region`.
    """
    regional = for_region(rule_base, region)
    measured = with_thresholds(regional, thresholds)
    return with_reason_codes(with_order_codes(measured, order_codes), reason_codes)
