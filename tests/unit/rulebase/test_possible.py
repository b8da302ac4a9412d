"""What criteria can amount to, against a plain walk through all values of their facts."""

from collections.abc import Mapping
from functools import partial
from itertools import product
from operator import eq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.rulebase.criteria import (
    All,
    Any_,
    Criterion,
    Is,
    NoneOf,
    Truth,
    Unless,
    facts_in,
    truth,
)
from cds_service.rulebase.possible import Values, example, possible, value_with

CRITERIA = st.recursive(
    st.sampled_from("abcd").map(Is),
    lambda inner: st.builds(
        lambda word, parts: word(tuple(parts)),
        st.sampled_from([All, Any_, NoneOf, Unless]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=7,
)


def everything(*criteria: Criterion) -> set[Values]:
    """What the criteria amount to, for every value of every fact."""
    names = sorted({name for one in criteria for name in facts_in(one)})
    found = set()
    for values in product((True, False, None), repeat=len(names)):
        known = dict(zip(names, values, strict=True))
        found.add(tuple(truth(one, known.__getitem__) for one in criteria))
    return found


@given(CRITERIA, CRITERIA)
def test_what_is_found_possible_is_and_nothing_is_missed(one: Criterion, other: Criterion) -> None:
    expected = everything(one, other)
    for wanted in product((True, False, None), repeat=2):
        assert possible((one, other), partial(eq, wanted)) is (wanted in expected)


def test_what_is_hopeless_is_not_followed() -> None:
    both = All((Is("a"), Is("b")))
    assert possible((both,), lambda found: found == (True,))
    assert not possible((both,), lambda found: found == (True,), lambda left: left != (both,))


def test_a_search_that_would_take_too_long_claims_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = tuple(Any_((Is(f"{number}"), Is(f"{number + 3}"))) for number in range(9))
    never = All((All(pairs), NoneOf(pairs)))
    assert not possible((never,), lambda found: found == (True,))
    monkeypatch.setattr("cds_service.rulebase.possible._BUDGET", 10)
    assert possible((never,), lambda found: found == (True,))


def truth_with(criterion: Criterion, facts: Mapping[str, Truth]) -> Truth:
    return truth(criterion, facts.get)


@given(CRITERIA)
def test_an_example_is_one_and_is_found_where_there_is_any(criterion: Criterion) -> None:
    facts = example(criterion)
    assert (facts is not None) is ((True,) in everything(criterion))
    assert facts is None or truth_with(criterion, facts) is True


@given(CRITERIA, st.dictionaries(st.sampled_from("abcd"), st.sampled_from([True, False, None])))
def test_a_value_is_that_of_the_criterion_itself(criterion: Criterion, facts: dict[str, Truth]) -> None:
    assert value_with(criterion, facts) is truth_with(criterion, facts)
