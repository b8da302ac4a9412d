"""Polarity of criteria where a fact is true for what it speaks for, and not sure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.rulebase.criteria import All, Any_, Criterion, Is, NoneOf, Truth, Unless, truth

X, YES = Is("x"), Is("yes")


@pytest.mark.parametrize(
    ("criterion", "result"),
    [
        (X, True),
        (All((X, YES)), True),
        (NoneOf((X,)), None),  # not cleared, and not false
        (Unless((X,)), True),  # not on record for sure: nothing is silenced
        (Unless((Unless((X,)),)), True),  # "x is on record"
        (All((YES, NoneOf((X,)))), None),
    ],
)
def test_a_fact_by_words_supports_and_settles_nothing(criterion: Criterion, result: Truth) -> None:
    value = {"x": True, "yes": True}
    sure = {"x": None, "yes": True}
    assert truth(criterion, value.__getitem__, sure.__getitem__) is result


NAMES = ("a", "b", "c")
CRITERIA = st.recursive(
    st.sampled_from([Is(name) for name in NAMES]),
    lambda parts: st.builds(
        lambda kind, of: kind(tuple(of)),
        st.sampled_from([All, Any_, NoneOf, Unless]),
        st.lists(parts, min_size=1, max_size=3),
    ),
    max_leaves=8,
)
TRUTHS = st.sampled_from([True, False, None])


@given(CRITERIA, st.fixed_dictionaries(dict.fromkeys(NAMES, TRUTHS)), st.sampled_from(NAMES))
def test_words_never_silence_what_an_unknown_would_not(
    criterion: Criterion, known: dict[str, Truth], name: str
) -> None:
    """True by words is never less than unknown: what unknown leaves true stays true."""
    unknown: dict[str, Truth] = known | {name: None}
    worded: dict[str, Truth] = known | {name: True}
    without = truth(criterion, unknown.__getitem__)
    found = truth(criterion, worded.__getitem__, unknown.__getitem__)
    if without is True:
        assert found is True
    if found is False:
        assert without is False
