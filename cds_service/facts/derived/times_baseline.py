"""Is the newest value so many times the patient's own baseline?"""

from decimal import Decimal, localcontext
from statistics import median

from cds_service.facts import values
from cds_service.facts.data import nothing, unknown
from cds_service.facts.derived.newest import decided, doubtful, earlier, edges_of, newest_of
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, reading_datum
from cds_service.fhir.dates import age_in_days
from cds_service.rulebase.definitions import DerivedFact

PARAMETERS = frozenset({"times", "within", "clears-within", "recent", "old"})
_PRECISION = 50  # digits: products of two bounded numbers stay exact
_ENDLESS = Decimal("Infinity")  # the upper edge of "> 20"


def times_baseline(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the newest value is at least `times` the baseline.

    baseline = the lowest earlier value of the last `recent` days, if any; else the median of those up to
    `old` days before (NHS England algorithm for acute kidney injury; reconciliation 1, AKI). Days are
    counted back from the newest value. Compared exactly in the analyte's first unit.

    Returns:
        True up to `within` after the newest value, false up to `clears-within`. Unknown without an
        earlier value, with a newest one that is too old or unreadable, where a comparator leaves it
        open, and in place of false where values are missing, unreadable or from a suspect sample.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    found = values.values(analyte, record, side, preliminary=False)
    if not found:
        return nothing(definition, record, analyte.arrives, (analyte.codes,))
    newest = newest_of(found)
    before = earlier(found, newest)
    shown = reading_datum(newest, next((one for one in before if one.problem is None), None))
    if newest.problem is not None:
        return unknown(definition.name, newest.problem, (shown,))
    thresholds = record.rule_base.thresholds
    recent, old = (int(thresholds[definition.parameters[one]].single()) for one in ("recent", "old"))
    used = [one for one in before if _days_before(newest, one, record) <= recent]
    reach = recent
    if all(one.problem for one in used):
        used = [one for one in before if _days_before(newest, one, record) <= old]
        reach = old
    factor = thresholds[definition.parameters["times"]].single()
    readable = [edges for one in used if (edges := edges_of(one)) is not None]
    current = edges_of(newest)
    if not readable or current is None:
        return unknown(definition.name, Reason.NOT_RECORDED, (shown,))
    with localcontext() as context:
        context.prec = _PRECISION
        take = min if reach == recent else median
        low = take([edge for edge, _ in readable])
        high = take([_ENDLESS if edge is None else edge for _, edge in readable])
        answer = _at_least(current, factor * low, factor * high)
    doubt = doubtful([*used, *values.newest(found)])
    return decided(definition, record, newest, answer, shown, doubt, reach)


def _at_least(current: tuple[Decimal, Decimal | None], low: Decimal, high: Decimal) -> bool | None:
    if current[0] >= high:
        return True
    if current[1] is not None and current[1] < low:
        return False
    return None


def _days_before(newest: Value, one: Value, record: Record) -> int:
    assert newest.statement.when is not None
    assert one.statement.when is not None
    return age_in_days(one.statement.when, newest.statement.when.end, record.zone)[0]
