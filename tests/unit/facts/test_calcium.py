"""Calcium corrected for albumin (vectors of A 5.7), and which calcium speaks for today."""

import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.derived.corrected_calcium import corrected
from cds_service.facts.model import NO_RANGE, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.chemistry import result
from tests.unit.facts.patients import assessed, quantity
from tests.unit.rulebase.tiny import code_set, fact, rule_base

_THRESHOLDS = """
thresholds:
  week: {value: {h: 168}, source: s, standing: design}
  once: {value: {"1": 1}, source: s, standing: design}
  ca-190: {of: corrected, value: {mmol/L: 1.90, mg/dL: 7.6}, source: s, standing: design}
  ca-220: {of: corrected, value: {mmol/L: 2.20, mg/dL: 8.8}, source: s, standing: design}
  ca-300: {of: corrected, value: {mmol/L: 3.00, mg/dL: 12.0}, source: s, standing: design}
analytes:
  total: {label: l, codes: ca, unit: mmol/L,
    units: {mmol/L: {factor: 1}, mg/dL: {factor: 0.2495}, meq/L: {factor: 0.5}},
    plausible: {from: 0.5, to: 6}, arrives-in: [laboratory], source: s}
  corrected: {label: l, codes: cac, unit: mmol/L, units: {mmol/L: {factor: 1}, mg/dL: {factor: 0.2495}},
    plausible: {from: 0.5, to: 6}, arrives-in: [laboratory], source: s}
  ionised: {label: l, codes: cai, unit: mmol/L, units: {mmol/L: {factor: 1}},
    plausible: {from: 0.3, to: 4}, arrives-in: [laboratory], source: s}
  albumin: {label: l, codes: alb, unit: g/L, units: {g/L: {factor: 1}, g/dL: {factor: 10}},
    plausible: {from: 5, to: 80}, arrives-in: [laboratory], source: s}
"""


def _corrected(**fields: Any) -> dict[str, Any]:
    of = ["total", "corrected", "albumin"]
    return fact("derived", by="corrected-calcium", of=of, paired_within="week", **fields)


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "below-190": _corrected(is_={"below": "ca-190"}, within="window-7"),
            "below-220": _corrected(is_={"below": "ca-220"}, within="window-7"),
            "from-300": _corrected(is_={"at-least": "ca-300"}, within="window-7"),
            "below-own": _corrected(
                is_={"below": "once"},
                times="lower-limit",
                without_range={"below": "ca-220"},
                within="window-7",
            ),
            "known": _corrected(within="window-7"),
            "was-low": _corrected(
                is_={"below": "ca-220"},
                older_than="window-7",
                within="window-90",
                nothing_recorded="absent",
            ),
            "ionised-speaks": fact(
                "derived", by="as-new-as", of=["ionised", "total", "corrected"], within="window-7"
            ),
        },
        thresholds=_THRESHOLDS,
        terminology={code: code_set(code) for code in ("ca", "cac", "cai", "alb")},
    )


@pytest.mark.parametrize(
    ("total", "albumin", "unit", "expected"),
    [
        ("7.6", "20", "mg/dL", "9.2"),  # A 5.7
        ("1.90", "20", "mmol/L", "2.30"),  # A 5.7
        ("7.4", "20", "mg/dL", "9.0"),  # A-C14a
        ("2.40", "40", "mmol/L", "2.40"),
        ("2.60", "50", "mmol/L", "2.40"),  # more than normal takes away
    ],
)
def test_vectors(total: str, albumin: str, unit: str, expected: str) -> None:
    assert corrected(Decimal(total), Decimal(albumin), unit) == Decimal(expected)


@given(st.decimals(5, 80, places=1), st.decimals(5, 80, places=1), st.decimals(1, 4, places=2))
def test_less_albumin_never_corrects_less(one: Decimal, other: Decimal, total: Decimal) -> None:
    low, high = sorted((one, other))
    for unit in ("mmol/L", "mg/dL"):
        assert corrected(total, low, unit) >= corrected(total, high, unit)


def test_the_card_gets_the_corrected_value_and_what_went_into_it(base: RuleBase) -> None:
    facts = assessed(
        base, laboratory=[result("ca", "7.4", "mg/dL"), result("alb", "2.0", "g/dL", at="2026-11-20")]
    )
    found = facts.fact("known")

    assert [one.text for one in found.data] == ["9.0 mg/dL", "7.4 mg/dL", "2.0 g/dL"]
    assert found.data[0].when is not None
    assert found.data[0].when.text == "2026-11-22T08:00:00Z"
    assert facts.value("below-220") is False


@pytest.mark.parametrize(
    ("total", "unit", "albumin", "below"),
    [
        ("1.88", "mmol/L", 39, False),  # 1.90 is not below
        ("1.87", "mmol/L", 39, True),
        ("7.52", "mg/dL", 39, False),  # 7.60: compared in mg/dL, 1.896 mmol/L would be below
        ("7.51", "mg/dL", 39, True),
        ("3.76", "meq/L", 39, False),  # 1.88 mmol/L and 0.02
        ("3.74", "meq/L", 39, True),
    ],
)
def test_the_edge_is_decided_exactly_in_each_unit(
    base: RuleBase, total: str, unit: str, albumin: int, below: bool
) -> None:
    facts = assessed(base, laboratory=[result("ca", total, unit), result("alb", albumin, "g/L")])

    assert facts.value("below-190") is below


def test_12_mg_is_300(base: RuleBase) -> None:
    facts = assessed(base, laboratory=[result("ca", "12.0", "mg/dL"), result("alb", "4.0", "g/dL")])

    assert facts.value("from-300") is True  # 2.994 mmol/L after conversion (A 5.7, trap)


@pytest.mark.parametrize(
    ("albumin", "paired"),
    [
        ({"at": "2026-11-15"}, True),  # 7 days, to the day
        ({"at": "2026-11-14"}, False),
        ({"at": "2026-11-15T08:00:00Z"}, True),
        ({"at": "2026-11-15T07:59:59Z"}, False),
        ({"at": "2026-11-20", "status": "preliminary"}, False),
        ({"at": "2026-11-20", "unit": "mg/L"}, False),
        ({"at": None}, False),
    ],
    ids=str,
)
def test_which_albumin_is_paired(base: RuleBase, albumin: Any, paired: bool) -> None:
    albumin = {"unit": "g/L"} | albumin
    facts = assessed(base, laboratory=[result("ca", "2.0"), result("alb", 20, **albumin)])

    assert facts.value("known") is (True if paired else None)
    assert facts.fact("below-220").reason is (None if paired else Reason.NOT_RECORDED)


def test_the_nearest_albumin_counts_and_of_two_both(base: RuleBase) -> None:
    near = result("alb", 40, "g/L", at="2026-11-21")
    far = result("alb", 20, "g/L", at="2026-11-16")
    also_near = result("alb", 20, "g/L", at="2026-11-21", name="again")
    total = result("ca", "2.0")

    assert assessed(base, laboratory=[total, near, far]).value("below-220") is True
    between = assessed(base, laboratory=[total, near, also_near])
    assert between.fact("below-220").reason is Reason.STRADDLES
    assert between.fact("known").data[0].text == "2.0 to 2.4 mmol/L"


@pytest.mark.parametrize(
    ("comparator", "albumin", "below_190", "below_220"),
    [("<", 20, False, None), (">", 45, True, True)],  # at least 2.20; at most 1.80
)
def test_an_albumin_beyond_the_scale_gives_a_bound(
    base: RuleBase, comparator: str, albumin: int, below_190: bool, below_220: bool | None
) -> None:
    total = "1.81" if comparator == "<" else "1.90"
    facts = assessed(
        base, laboratory=[result("ca", total), result("alb", albumin, "g/L", comparator=comparator)]
    )

    assert facts.value("below-190") is below_190
    assert facts.value("below-220") is (False if comparator == "<" else below_220)


def test_what_the_laboratory_corrected_is_not_corrected_again(base: RuleBase) -> None:
    sample = [result("cac", "2.10"), result("ca", "1.80"), result("alb", 20, "g/L")]
    facts = assessed(base, laboratory=sample)

    assert facts.fact("below-220").data[0].text == "2.10 mmol/L"
    assert facts.value("below-190") is False
    # A total of another day speaks for itself, and without albumin for nothing.
    later = [result("cac", "2.30", at="2026-11-18"), result("ca", "1.80")]
    assert assessed(base, laboratory=later).fact("below-220").reason is Reason.NOT_RECORDED


def test_the_laboratorys_own_limit_comes_first(base: RuleBase) -> None:
    ranged: dict[str, Any] = {"referenceRange": [{"low": quantity("2.10"), "high": quantity("2.55")}]}
    albumin = result("alb", 40, "g/L")

    own = assessed(base, laboratory=[result("ca", "2.15", **ranged), albumin])
    none = assessed(base, laboratory=[result("ca", "2.15"), albumin])
    assert own.value("below-own") is False
    assert none.value("below-own") is True
    assert NO_RANGE in none.fact("below-own").data[0].notes


def test_an_old_low_value_asks_for_a_repeat(base: RuleBase) -> None:
    old = [result("ca", "2.0", at="2026-11-01"), result("alb", 40, "g/L", at="2026-11-01")]

    assert assessed(base, laboratory=old).value("was-low") is True
    newer = [*old, result("ca", "2.3"), result("alb", 40, "g/L")]
    assert assessed(base, laboratory=newer).value("was-low") is False


@pytest.mark.parametrize(
    ("ionised", "total", "speaks"),
    [
        ("2026-11-22T06:00:00Z", "2026-11-22T08:00:00Z", True),  # one day
        ("2026-11-21T23:00:00Z", "2026-11-22T08:00:00Z", False),
        ("2026-11-22", "2026-11-20", True),
        ("2026-11-15", None, True),
        ("2026-11-14", None, False),  # older than a week
        (None, None, False),
    ],
)
def test_an_ionised_calcium_speaks_for_its_day(
    base: RuleBase, ionised: str | None, total: str | None, speaks: bool
) -> None:
    laboratory = [result("cai", "1.2", at=ionised)] if ionised else []
    laboratory += [result("ca", "1.8", at=total)] if total else []

    assert assessed(base, laboratory=laboratory).value("ionised-speaks") is speaks


def test_an_ionised_calcium_of_a_doubtful_sample_does_not(base: RuleBase) -> None:
    spoilt = result("cai", "1.2", note=[{"text": "sample haemolysed"}])

    assert assessed(base, laboratory=[spoilt]).value("ionised-speaks") is False


@pytest.mark.parametrize("apart", ["one time", "spread", "one sample", "overlapping periods"])
def test_the_work_grows_with_the_results_not_with_their_product(base: RuleBase, apart: str) -> None:
    def calls(many: int) -> int:
        laboratory = []
        for code, value, unit in (("ca", "2.0", "mmol/L"), ("alb", 20, "g/L")):
            for number in range(many):
                moment = f"2026-11-{1 + number % 20:02}T{number // 20 % 24:02}:{number // 480:02}:00Z"
                more: dict[str, Any] = {"at": moment if apart != "one time" else "2026-11-20"}
                if apart == "one sample":
                    more["specimen"] = {"reference": "Specimen/s"}
                if apart == "overlapping periods":
                    more = {"at": None, "effectivePeriod": {"start": moment, "end": "2026-11-21"}}
                laboratory.append(result(code, value, unit, name=f"{code}{number}", **more))
        counted = 0

        def count(_frame: object, event: str, _argument: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        facts = assessed(base, laboratory=laboratory)
        before = sys.getprofile()
        sys.setprofile(count)
        try:
            for name in ("below-190", "below-220", "from-300", "known", "was-low"):
                facts.fact(name)
        finally:
            sys.setprofile(before)
        return counted

    assert calls(400) < 7 * calls(100)  # 16 times when each is asked about each
