"""Which value is the newest: effective, then issued, then laboratory, then the worse (reconciliation).

A result that was corrected is issued again, of the same time: the correction counts, up or down, and to
every function that computes from the newest value.
"""

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.chemistry import DAYS, chemistry, derived, result
from tests.unit.facts.patients import assessed
from tests.unit.rulebase.tiny import Json, fact

WINDOWS = {"within": "window-7", "clears-within": "window-7"}
FIRST, LATER = "2026-11-22T08:10:00Z", "2026-11-22T08:50:00Z"
YESTERDAY = "2026-11-21T08:00:00Z"


@pytest.fixture(scope="module")
def base() -> RuleBase:
    times = {"times": "twice", "recent": "window-7", "old": "window-90", **WINDOWS}
    rise = {"rise": "rise", "over": "window-72h", **WINDOWS}
    return chemistry(
        {
            "doubled": fact("derived", by="times-baseline", of=["creatinine"], with_=times),
            "rose": fact("derived", by="rise-within", of=["creatinine"], with_=rise),
            "fell": fact(
                "derived", by="fall", of=["weight"], is_={"at-least": "two-percent"}, within="window-7"
            ),
            "lighter": derived("weight-loss", ["weight"], is_={"at-least": "two-percent"}, with_=DAYS),
            "beside": derived("paired-value", ["creatinine", "sodium"], is_={"below": "na-120"}),
            "fatty": fact("derived", by="sample-lipaemic", of=["sodium"]),
            "unread": fact("derived", by="unreadable-value", of=["sodium"], within="window-7"),
            "said": fact("finding", in_=["na"], within="window-7", answers=["low"], denials=["normal"]),
            "unjudged": fact("derived", by="unreadable-value", of=["sodium", "said"], within="window-7"),
        }
    )


def twice(code: str, unit: str, wrong: float, right: float, note: str = "") -> list[Json]:
    """One result, with the laboratory's note on it, and what it was corrected to."""
    said: Json = {"note": [{"text": note}]} if note else {}
    return [
        result(code, wrong, unit, issued=FIRST, name="b-first", **said),
        result(code, right, unit, issued=LATER, name="a-then"),
    ]


def same_time(code: str, unit: str, *values: float) -> list[Json]:
    """Results of one time, of which none is the later one."""
    return [result(code, one, unit, name=f"o-{index}") for index, one in enumerate(values)]


def read(base: RuleBase, name: str, *results: Json) -> Fact:
    found = assessed(base, laboratory=[*results], vitals=[*results])
    turned = assessed(base, laboratory=[*reversed(results)], vitals=[*reversed(results)])
    assert found.fact(name) == turned.fact(name)  # no list's order decides
    return found.fact(name)


@pytest.mark.parametrize("name", ["doubled", "rose"])
def test_a_creatinine_corrected_downwards_is_no_kidney_injury(base: RuleBase, name: str) -> None:
    before = result("crea", 80, "umol/L", at=YESTERDAY)

    assert read(base, name, before, *twice("crea", "umol/L", 180, 90)).value is False
    assert read(base, name, before, *twice("crea", "umol/L", 90, 180)).value is True
    assert read(base, name, before, *same_time("crea", "umol/L", 90, 180)).value is True


@pytest.mark.parametrize("name", ["doubled", "rose"])
def test_beside_one_that_cannot_be_read_nothing_is_cleared(base: RuleBase, name: str) -> None:
    before = result("crea", 80, "umol/L", at=YESTERDAY)
    odd = result("crea", 180, "g/L", name="z-odd")

    assert read(base, name, before, odd, result("crea", 90, "umol/L", name="b")).reason is (
        Reason.UNIT_NOT_DECLARED
    )
    assert read(base, name, before, odd, result("crea", 180, "umol/L", name="b")).value is True


@pytest.mark.parametrize("name", ["fell", "lighter"])
def test_a_weight_corrected_upwards_is_no_loss(base: RuleBase, name: str) -> None:
    before = result("kg", 80, "kg", at="2026-11-18T07:00:00Z")

    assert read(base, name, before, *twice("kg", "kg", 70, 80)).value is False
    assert read(base, name, before, *twice("kg", "kg", 80, 70)).value is True
    assert read(base, name, before, *same_time("kg", "kg", 80, 70)).value is True


def test_what_was_corrected_is_no_earlier_value(base: RuleBase) -> None:
    assert read(base, "fell", *twice("kg", "kg", 80, 70)).reason is Reason.NOT_RECORDED


@pytest.mark.parametrize("name", ["fell", "lighter"])
def test_a_newest_weight_that_cannot_be_read_is_not_replaced(base: RuleBase, name: str) -> None:
    weights = [
        result("kg", 80, "kg", at="2026-11-17T07:00:00Z"),
        result("kg", 80, "kg", at=YESTERDAY),
        result("kg", 150, "[stone_av]", name="odd"),
    ]

    assert read(base, name, *weights).reason is Reason.UNIT_NOT_DECLARED


def test_the_corrected_result_is_the_one_of_the_pair(base: RuleBase) -> None:
    main = result("crea", 80, "umol/L")

    assert read(base, "beside", main, *twice("na", "mmol/L", 118, 139)).value is False
    assert read(base, "beside", main, *twice("na", "mmol/L", 139, 118)).value is True
    assert read(base, "beside", main, *same_time("na", "mmol/L", 139, 118)).value is True


def test_one_lipaemic_sample_of_several_is_enough(base: RuleBase) -> None:
    told = result("na", 130, name="b", note=[{"text": "lipaemic"}])

    assert read(base, "fatty", result("na", 130, name="z"), told).value is True
    assert read(base, "fatty", *twice("na", "mmol/L", 130, 131, note="lipaemic")).value is False


def test_one_unreadable_value_of_several_is_enough(base: RuleBase) -> None:
    odd = result("na", 130, "g/L", name="b")

    assert read(base, "unread", result("na", 130, name="z"), odd).value is True


def test_a_result_in_words_that_a_fact_reads_is_not_unreadable(base: RuleBase) -> None:
    early, late = "2026-11-22T06:00:00Z", "2026-11-22T08:00:00Z"
    words = in_words("low", early)

    assert read(base, "unread", words).value is True
    assert read(base, "unjudged", words).value is False
    assert read(base, "unjudged", in_words("see comment", early)).value is True
    # Words of before do not speak for a later value that cannot be read.
    assert read(base, "unjudged", words, result("na", 130, "g/L", at=late)).value is True


def in_words(said: str, at: str) -> Json:
    """A result that is a word and no quantity."""
    told = result("na", 0, at=at, name="words", valueString=said)
    del told["valueQuantity"]
    return told
