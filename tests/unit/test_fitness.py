"""A derived fact brings what its function needs, or the rule base does not start."""

from typing import Any

import pytest

from cds_service import fitness
from tests.unit.rulebase.tiny import fact, loaded, texts

WINDOWS = {"within": "window-7", "clears-within": "window-2"}
BASELINE = {"times": "points-2", "recent": "window-7", "old": "window-90", **WINDOWS}


def said(**fields: Any) -> list[str]:
    files = texts({"x": fact("derived", **fields)})
    return [one.what for one in fitness.problems(loaded(files), files)]


@pytest.mark.parametrize(
    "sound",
    [
        {"by": "times-baseline", "of": ["calcium"], "with_": BASELINE},
        {"by": "began-before", "of": ["pill", "a"]},
        {"by": "began-before", "of": ["pill", "a", "b", "c"]},
        {"by": "sound-sample", "of": ["a", "b"]},
        {"by": "unreadable-value", "of": ["calcium"], "within": "window-7"},
    ],
)
def test_what_a_function_needs_is_enough(sound: dict[str, Any]) -> None:
    assert said(**sound) == []


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"by": "guess", "of": ["a"]}, "nothing computes 'guess'"),
        (
            {"by": "times-baseline", "of": ["a"], "with_": BASELINE},
            "times-baseline needs 1 analytes in `of`",
        ),
        ({"by": "times-baseline", "of": ["calcium"]}, "needs in `with`: clears-within, old, recent"),
        (
            {"by": "times-baseline", "of": ["calcium"], "with_": {**BASELINE, "more": "window-2"}},
            "needs in `with`",
        ),
        ({"by": "began-before", "of": ["pill"]}, "needs 1 code sets, then 1 facts or more in `of`"),
        ({"by": "began-before", "of": ["a", "pill"]}, "needs 1 code sets, then 1 facts or more"),
        ({"by": "sound-sample", "of": ["a", "b", "c"]}, "needs 2 facts in `of`"),
        ({"by": "unreadable-value", "of": ["calcium"]}, "needs `within`"),
        (
            {"by": "unreadable-value", "of": ["calcium"], "is_": {"at-most": "window-7"}},
            "needs 0 limits in `is`",
        ),
        (
            {"by": "fall", "of": ["calcium"], "is_": {"at-least": "calcium-high"}},
            "fall needs `within`",
        ),
        (
            {
                "by": "side-difference",
                "of": ["calcium"],
                "is_": {"at-least": "calcium-high", "at-most": "window-7"},
                "within": "window-7",
            },
            "side-difference needs 1 limits in `is`",
        ),
    ],
)
def test_what_is_missing_or_too_much_is_said(wrong: dict[str, Any], what: str) -> None:
    found = said(**wrong)

    assert len(found) == 1
    assert what in found[0]
