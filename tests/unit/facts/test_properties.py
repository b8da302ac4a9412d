"""What never matters: the order of entries, what nobody asked about, and which day it is."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.facts.model import FactSet
from tests.unit.facts.patients import (
    assessed,
    concept,
    condition,
    lab,
    medicine,
    observation,
    quantity,
    request,
)
from tests.unit.rulebase.tiny import NOW, fact, rule, rule_base
from tests.unit.rules.deciding import answered

_LOW: dict[str, Any] = {"of": "potassium", "is_": {"below": "potassium-low"}}
BASE = rule_base(
    {
        "heavy": fact(in_=["heavy"], within="window-90"),
        "weak": fact("finding", in_=["weak"], within="window-30"),
        "low": fact("measurement", **_LOW, within="window-30", clears_within="window-7"),
        "low-early": fact("measurement", **_LOW, within="window-7", preliminary="counts"),
        "low-stale": fact(
            "measurement", **_LOW, older_than="window-7", within="window-90", nothing_recorded="absent"
        ),
        "fine": fact(
            "measurement",
            of="potassium",
            is_={"at-least": "potassium-low"},
            within="window-7",
            reassuring=True,
        ),
        "index-low": fact("measurement", of="index", is_={"at-most": "index-low"}, sides="lowest"),
        "scanned": fact("done", in_=["scan"], within="window-30"),
        "on-pill": fact("medication", in_=["pill"]),
        "long": fact("duration", of=["heavy"], is_={"at-least": "window-30"}),
        "any": fact("group", when={"any": ["weak", "low", "index-low"]}),
    },
    [rule("r", {"all": ["heavy", {"any": ["weak", "low", "index-low"]}]}, per="leg")],
)

# Whole days before now, few so that entries tie; moving all dates together keeps every time of day.
DAYS = st.sampled_from([0, 1, 7, 8, 30, 31, 90, 91])


def ago(days: int, *, clock: bool) -> str:
    day = (NOW - timedelta(days=days)).date().isoformat()
    return f"{day}T08:00:00Z" if clock else day


CLOCKED = st.builds(lambda days, clock: ago(days, clock=clock), DAYS, st.booleans())
KEYS = {
    "conditions": st.lists(
        st.builds(
            lambda code, at: condition(code, onsetDateTime=at),
            st.sampled_from(["heavy", "heavy-left", "heavy-right", "weak", "a"]),
            CLOCKED,
        ),
        max_size=3,
    ),
    "laboratory": st.lists(
        st.builds(
            lambda value, unit, at, status: lab(value, unit, at=at, status=status),
            st.sampled_from(["2.4", "3.5", "4.0", "40"]),
            st.sampled_from(["mmol/L", "mg/L", None]),
            CLOCKED,
            st.sampled_from(["final", "preliminary", "cancelled"]),
        ),
        max_size=4,
    ),
    "findings": st.lists(
        st.one_of(
            st.builds(
                lambda code, value, at: observation(code, at, valueBoolean=value),
                st.sampled_from(["weak", "weak-too"]),
                st.booleans(),
                CLOCKED,
            ),
            st.builds(
                lambda code, value, at: observation(code, at, valueQuantity=quantity(value, "1")),
                st.sampled_from(["abi", "abi-left", "abi-right"]),
                st.sampled_from(["0.8", "1.1"]),
                CLOCKED,
            ),
            st.builds(lambda at: observation("scan", at, valueString="seen"), CLOCKED),
        ),
        max_size=5,
    ),
    "medicationRequests": st.lists(st.builds(lambda at: medicine(authoredOn=at), CLOCKED), max_size=2),
}
RECORDS = st.fixed_dictionaries(KEYS)
Record = Mapping[str, list[dict[str, Any]]]


def numbered(record: Record) -> dict[str, Any]:
    return {
        key: [one | {"id": f"{key}-{number}"} for number, one in enumerate(entries)]
        for key, entries in record.items()
    }


def truths(facts: FactSet) -> dict[str, Any]:
    return {
        f"{side or 'patient'}: {name}": (fact.value, fact.reason)
        for side, known in facts.sides.items()
        for name, fact in known.items()
    }


@settings(max_examples=150, deadline=None, derandomize=True)
@given(RECORDS, st.randoms(use_true_random=False))
def test_facts_never_depend_on_the_order_of_entries(record: Record, chance: Any) -> None:
    brought = numbered(record)
    shuffled: dict[str, Any] = {
        key: chance.sample(entries, len(entries)) for key, entries in brought.items()
    }

    assert truths(assessed(BASE, **shuffled)) == truths(assessed(BASE, **brought))


IRRELEVANT: dict[str, list[dict[str, Any]]] = {
    "conditions": [condition("nobody-asks", id="x1", bodySite=[concept("left-leg")])],
    "laboratory": [lab("7", of="nobody-asks", id="x2")],
    "findings": [observation("nobody-asks", id="x3", valueBoolean=True)],
    "medicationRequests": [medicine("nobody-asks", id="x4")],
    "serviceRequests": [request("nobody-asks", id="x5")],
    "devices": [{"resourceType": "Claim", "id": "x6"}],
}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(RECORDS, st.booleans())
def test_what_nobody_asks_about_changes_nothing(record: Record, first: bool) -> None:
    brought = numbered(record)
    more: dict[str, Any] = {
        key: [*added, *brought.get(key, [])] if first else [*brought.get(key, []), *added]
        for key, added in IRRELEVANT.items()
    }
    if len(more["laboratory"]) >= 5 or len(more["conditions"]) >= 5:
        return  # the list is then as long as was asked for, and that does matter

    assert truths(assessed(BASE, **more)) == truths(assessed(BASE, **brought))
    assert [one.summary for one in answered(BASE, **more).cards] == [
        one.summary for one in answered(BASE, **brought).cards
    ]


_ISO = re.compile(r"^\d{4}-\d\d-\d\d")


def moved(value: Any, days: int) -> Any:
    if isinstance(value, dict):
        return {key: moved(inner, days) for key, inner in value.items()}
    if isinstance(value, list):
        return [moved(inner, days) for inner in value]
    if isinstance(value, str) and _ISO.match(value):
        day = NOW.fromisoformat(value[:10]) + timedelta(days=days)
        return day.date().isoformat() + value[10:]
    return value


@settings(max_examples=60, deadline=None, derandomize=True)
@given(RECORDS, st.integers(min_value=-3000, max_value=3000))
def test_moving_every_date_and_now_together_changes_nothing(record: Record, days: int) -> None:
    brought = numbered(record)
    later = assessed(BASE, now=NOW + timedelta(days=days), **moved(brought, days))

    # The birth date stays, and no fact here asks for the age.
    assert truths(later) == truths(assessed(BASE, **brought))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(RECORDS)
def test_a_true_fact_knows_where_it_comes_from(record: Record) -> None:
    facts = assessed(BASE, **numbered(record))

    for known in facts.sides.values():
        for name, one in known.items():
            if one.value is True:
                assert one.data, name
                assert all("/" in datum.ref for datum in one.data)
            assert (one.reason is not None) is (one.value is None), name
