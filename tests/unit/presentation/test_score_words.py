"""How a card says where a score lies, what it rests on, a fact by its own label, and which source."""

from tests.unit.facts.patients import condition, observation
from tests.unit.presentation.test_words import card, words
from tests.unit.rulebase.tiny import fact, rule, rule_base


def test_where_a_score_lies_can_be_said() -> None:
    table = {
        "title": "t",
        "source": "s",
        "items": [{"fact": "a", "points": 1}, {"fact": "weak", "points": 2}],
    }
    base = rule_base(
        {
            "heavy": fact(in_=["heavy"]),
            "weak": fact("finding", in_=["weak"], within="window-30"),
            "sum": fact("score", table="sum", is_={"at-least": "points-2"}),
        },
        [rule("r", "heavy", **words("Heavy[, score {sum.points}]: consider it"))],
        scores={"sum": table},
    )
    no = observation("weak", valueBoolean=False)

    assert card(base, conditions=[condition()]).summary == "Heavy, score 0 to 2: consider it"
    assert card(base, conditions=[condition()], findings=[no]).summary == "Heavy, score 0: consider it"


def test_a_score_that_is_said_does_not_hide_the_items_that_made_it() -> None:
    base = rule_base(
        {
            "weak": fact("finding", in_=["weak"], within="window-30"),
            "sum": fact("score", table="sum", is_={"at-least": "points-2"}),
        },
        [rule("r", "sum", **words("Consider it", why=["Score {sum.points}."]))],
        scores={"sum": {"title": "t", "source": "s", "items": [{"fact": "weak", "points": 2}]}},
    )
    detail = card(base, findings=[observation("weak", valueBoolean=True)]).detail

    assert "**Why** Score 2. The weak (22 Nov 2026, 08:00)." in detail


def test_the_label_of_a_fact_stands_only_while_it_is_true() -> None:
    base = rule_base(
        {
            "heavy": fact(in_=["heavy"]),
            "weak": fact("finding", in_=["weak"], within="window-30", label="weak legs"),
        },
        [rule("r", "heavy", **words("Heavy[, {weak.label}]: consider it"))],
    )

    def summary(*findings: dict[str, object]) -> str:
        return card(base, conditions=[condition()], findings=[*findings]).summary

    assert summary(observation("weak", valueBoolean=True)) == "Heavy, weak legs: consider it"
    assert summary(observation("weak", valueBoolean=False)) == "Heavy: consider it"
    assert summary() == "Heavy: consider it"  # never asked


def test_words_may_name_a_source_of_their_own() -> None:
    own = {
        "id": "other",
        "title": "Another guideline",
        "publisher": "Others",
        "year": 2020,
        "url": "https://example.org/other",
        "locator": "9",
        "grade": "class 2",
        "read": "read",
    }
    plain = rule("r", "heavy")
    said = {"source": "other", "summary": "Legs: consider it", "consider": ["Do it"]}
    cited = plain | {
        "sources": [*plain["sources"], own],
        "card": plain["card"] | {"texts": {"default": said}},
    }
    facts = {"heavy": fact(in_=["heavy"])}

    found = card(rule_base(facts, [cited]), conditions=[condition()])

    assert found.source.url == "https://example.org/other"
    assert "**Source** Another guideline, 2020, 9 (class 2)" in found.detail
    assert "A guideline, 2024" in card(rule_base(facts, [plain]), conditions=[condition()]).detail
