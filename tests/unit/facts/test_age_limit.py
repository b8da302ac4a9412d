"""A limit that grows with age: D-dimer in both kinds of unit (reference A 3.3 DVT-05, 5.7, 8 C7)."""

from typing import Any

import pytest

from cds_service.facts.model import FactSet, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, condition, observation, quantity
from tests.unit.rulebase.tiny import Json, code_set, fact, rule_base

CONTENT = """
thresholds:
  once: {value: {"1": 1}, source: s, standing: design}
  fifty: {value: {a: 50}, source: s, standing: design}
  feu-500: {of: feu, value: {"ug/L{FEU}": 500}, source: s, standing: design}
  feu-10: {of: feu, value: {"ug/L{FEU}": 10}, source: s, standing: design}
  ddu-250: {of: ddu, value: {"ug/L{DDU}": 250}, source: s, standing: design}
  ddu-5: {of: ddu, value: {"ug/L{DDU}": 5}, source: s, standing: design}
analytes:
  feu:
    label: D-dimer
    codes: feu
    unit: "ug/L{FEU}"
    units: {"ug/L{FEU}": {factor: 1}, "ng/mL{FEU}": {same-as: "ug/L{FEU}"}, "mg/L{FEU}": {factor: 1000}}
    plausible: {from: 1, to: 200000}
    arrives-in: [laboratory]
    source: s
  ddu:
    label: D-dimer
    codes: ddu
    unit: "ug/L{DDU}"
    units: {"ug/L{DDU}": {factor: 1}, "mg/L{DDU}": {factor: 1000}}
    plausible: {from: 1, to: 100000}
    arrives-in: [laboratory]
    source: s
"""
FEU = {"limit": "feu-500", "per-year": "feu-10", "above-age": "fifty"}
DDU = {"limit": "ddu-250", "per-year": "ddu-5", "above-age": "fifty"}


def _below(analyte: str, limits: Json, how: str = "below") -> Json:
    within = {"within": "window-72h", "is_": {how: "once"}}
    return fact("derived", by="times-age-limit", of=[analyte, "heavy"], with_=limits, **within)


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "heavy": fact(in_=["heavy"]),
            "feu-negative": _below("feu", FEU),
            "ddu-negative": _below("ddu", DDU),
            "feu-positive": _below("feu", FEU, "at-least"),
            "feu-limit": fact("derived", by="age-limit", of=["feu"], with_=FEU),
            "ddu-limit": fact("derived", by="age-limit", of=["ddu"], with_=DDU),
        },
        thresholds=CONTENT,
        terminology={"feu": code_set("feu"), "ddu": code_set("ddu")},
    )


def dimer(value: str, unit: str, at: str = "2026-11-22T08:00:00Z", **fields: Any) -> Json:
    code = "ddu" if "DDU" in unit else "feu"
    return observation(code, at, valueQuantity=quantity(value, unit)) | {"id": f"o-{at}"} | fields


def patient(born: str | None) -> Json:
    return {"birthDate": born}


def read(base: RuleBase, born: str | None, *values: Json, **lists: Any) -> FactSet:
    return assessed(base, patient=patient(born), laboratory=list(values), **lists)


@pytest.mark.parametrize(
    ("born", "value", "unit", "negative"),
    [
        ("1954-01-01", "640", "ng/mL{FEU}", True),  # A-C7a: 72 years, limit 720
        ("1954-01-01", "719", "ug/L{FEU}", True),
        ("1954-01-01", "720", "ug/L{FEU}", False),  # equal is positive
        ("1954-01-01", "0.719", "mg/L{FEU}", True),
        ("1954-01-01", "0.720", "mg/L{FEU}", False),
        ("1954-01-01", "719.999999999999", "ug/L{FEU}", True),
        ("1954-01-01", "359", "ug/L{DDU}", True),
        ("1954-01-01", "360", "ug/L{DDU}", False),  # A-C7b: 720 FEU
        ("1954-01-01", "0.360", "mg/L{DDU}", False),
        ("1976-11-22", "499", "ug/L{FEU}", True),  # 50 today: not above 50
        ("1976-11-22", "500", "ug/L{FEU}", False),
        ("1975-11-22", "509", "ug/L{FEU}", True),  # 51 today
        ("1975-11-22", "510", "ug/L{FEU}", False),
        ("1975-11-23", "500", "ug/L{FEU}", False),  # 51 tomorrow
        ("1990-05-05", "249", "ug/L{DDU}", True),
        ("1990-05-05", "250", "ug/L{DDU}", False),
    ],
)
def test_the_limit_is_that_of_the_age_in_the_unit_of_the_value(
    base: RuleBase, born: str, value: str, unit: str, negative: bool
) -> None:
    name = "ddu-negative" if "DDU" in unit else "feu-negative"
    assert read(base, born, dimer(value, unit)).value(name) is negative


@pytest.mark.parametrize(
    ("born", "value", "negative"),
    [
        ("1954", "709", True),  # 71 or 72: below both limits
        ("1954", "710", None),
        ("1954", "720", False),
        (None, "499", True),  # any age
        (None, "500", None),
        (None, "1299", None),
        (None, "1300", False),
    ],
)
def test_an_age_that_is_not_known_exactly_leaves_what_lies_between_open(
    base: RuleBase, born: str | None, value: str, negative: bool | None
) -> None:
    found = read(base, born, dimer(value, "ug/L{FEU}")).fact("feu-negative")
    assert found.value is negative
    assert found.reason is (Reason.STRADDLES if negative is None else None)


@pytest.mark.parametrize(
    ("value", "upper", "negative"),
    [
        ("640", "500", True),  # the usual cut-off: adjusted for age
        ("640", "550", False),  # a cut-off of its own: as it stands
        ("549", "550", True),
        ("550", "550", False),
        ("640", "800", True),
    ],
)
def test_a_cut_off_of_the_laboratory_takes_the_place_of_the_limit(
    base: RuleBase, value: str, upper: str, negative: bool
) -> None:
    ranges = [{"high": quantity(upper, "ug/L{FEU}")}]
    found = read(base, "1954-01-01", dimer(value, "ug/L{FEU}", referenceRange=ranges))
    assert found.value("feu-negative") is negative


def test_a_comparator_is_below_only_when_all_of_it_is(base: RuleBase) -> None:
    def at(comparator: str, value: str) -> bool | None:
        one = dimer(value, "ug/L{FEU}")
        one["valueQuantity"]["comparator"] = comparator
        return read(base, "1954-01-01", one).value("feu-negative")

    assert at("<", "720") is True
    assert at("<", "721") is None
    assert at(">", "720") is False
    assert at(">", "500") is None


def test_what_is_old_preliminary_or_from_before_it_began_is_not_negative(base: RuleBase) -> None:
    def with_(one: Json, **lists: Any) -> bool | None:
        return read(base, "1954-01-01", one, **lists).value("feu-negative")

    began = {"conditions": [condition(onsetDateTime="2026-11-21")]}
    assert with_(dimer("100", "ug/L{FEU}", "2026-11-19T09:00:00Z")) is True
    assert with_(dimer("100", "ug/L{FEU}", "2026-11-19T08:59:00Z")) is None
    assert with_(dimer("100", "ug/L{FEU}", "2026-11-19")) is None  # part of that day is too old
    assert with_(dimer("100", "ug/L{FEU}", status="preliminary")) is None
    assert with_(dimer("100", "ug/L{FEU}", "2026-11-20T10:00:00Z"), **began) is None
    assert with_(dimer("100", "ug/L{FEU}", "2026-11-21"), **began) is True


def test_a_date_that_may_be_recent_alarms_and_does_not_reassure(base: RuleBase) -> None:
    high, low = (dimer(one, "ug/L{FEU}", "2026-11-19") for one in ("900", "100"))
    assert read(base, "1954-01-01", high).value("feu-positive") is True
    assert read(base, "1954-01-01", low).value("feu-positive") is None
    assert read(base, "1954-01-01", dimer("720", "ug/L{FEU}")).value("feu-positive") is True
    assert read(base, "1954-01-01", dimer("719", "ug/L{FEU}")).value("feu-positive") is False


def test_a_unit_without_a_kind_or_of_the_other_kind_is_not_read(base: RuleBase) -> None:
    for unit in ("ng/mL", "ug/L{DDU}"):
        one = dimer("100", unit) | {"code": concept("feu")}
        found = read(base, "1954-01-01", one).fact("feu-negative")
        assert (found.value, found.reason) == (None, Reason.UNIT_NOT_DECLARED)


@pytest.mark.parametrize(
    ("born", "value", "unit", "shown"),
    [
        ("1954-01-01", "640", "ng/mL{FEU}", "720 ng/mL FEU"),
        ("1954-01-01", "0.64", "mg/L{FEU}", "0.72 mg/L FEU"),
        ("1954-01-01", "300", "ug/L{DDU}", "360 ug/L DDU"),
        ("1926-01-01", "300", "ug/L{FEU}", "1000 ug/L FEU"),
        ("1975-11-22", "300", "ug/L{FEU}", "510 ug/L FEU"),
        ("1976-11-22", "300", "ug/L{FEU}", ""),
    ],
)
def test_the_limit_that_was_used_is_told_in_the_unit_of_the_value(
    base: RuleBase, born: str, value: str, unit: str, shown: str
) -> None:
    name = "ddu-limit" if "DDU" in unit else "feu-limit"
    found = read(base, born, dimer(value, unit)).fact(name)
    assert found.value is bool(shown)
    assert [one.text for one in found.data] == ([shown] if shown else [])


def test_no_limit_is_told_where_none_was_used(base: RuleBase) -> None:
    own = [{"high": quantity("550", "ug/L{FEU}")}]
    value = dimer("640", "ug/L{FEU}", referenceRange=own)
    assert read(base, "1954-01-01", value).value("feu-limit") is False
    assert read(base, "1954", dimer("640", "ug/L{FEU}")).value("feu-limit") is None
    assert read(base, "1954-01-01", dimer("640", "ng/mL")).value("feu-limit") is None
    assert read(base, "1954-01-01").value("feu-limit") is None
