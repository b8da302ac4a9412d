"""The words of the rule language, as tables: one file per word, true for the code and for the manual."""

from pathlib import Path

import pytest

from cds_service.rulebase.building_facts import criterion
from cds_service.rulebase.criteria import truth

FOLDER = Path(__file__).parent
VALUES = {"true": True, "false": False, "unknown": None}
Row = tuple[str, dict[str, bool | None], bool | None]


def rows(word: str) -> list[Row]:
    """The rows of a table: the values of `a` and `b`, and what the word makes of them."""
    found: list[Row] = []
    for line in (FOLDER / f"{word}.txt").read_text("utf-8").splitlines():
        if line.startswith("|") and "---" not in line:
            a, b, result = (cell.strip() for cell in line.strip("|").split("|"))
            if a != "a":
                found.append((word, {"a": VALUES[a], "b": VALUES[b]}, VALUES[result]))
    return found


WORDS = ("all", "any", "none", "unless")
ALL = [row for word in WORDS for row in rows(word)]


@pytest.mark.parametrize("word", WORDS)
def test_a_table_has_every_pair_of_values_once(word: str) -> None:
    pairs = [tuple(values.values()) for _, values, _ in rows(word)]

    assert len(pairs) == len(set(pairs)) == 9


@pytest.mark.parametrize(("word", "values", "result"), ALL)
def test_the_word_means_what_its_table_says(
    word: str, values: dict[str, bool | None], result: bool | None
) -> None:
    assert truth(criterion({word: ["a", "b"]}), values.__getitem__) is result


@pytest.mark.parametrize(("word", "values", "result"), ALL)
def test_the_order_of_the_parts_does_not_matter(
    word: str, values: dict[str, bool | None], result: bool | None
) -> None:
    assert truth(criterion({word: ["b", "a"]}), values.__getitem__) is result


@pytest.mark.parametrize(("word", "values", "result"), ALL)
def test_what_is_known_of_the_whole_stays_known_when_an_unknown_part_is_settled(
    word: str, values: dict[str, bool | None], result: bool | None
) -> None:
    if result is None or word == "unless":  # `unless` reads unknown as absent, so it may change
        return
    for settled in (True, False):
        now = {name: settled if value is None else value for name, value in values.items()}

        assert truth(criterion({word: ["a", "b"]}), now.__getitem__) is result
