"""A set with the codes of another, or a fact defined as another is, is named at its line."""

from cds_service.rulebase import loader, twins
from tests.unit.rulebase.tiny import Json, code_set, fact, rule, texts


def told(facts: Json, terminology: Json | None = None) -> list[str]:
    content = texts(facts, rules=[rule("x")], terminology=terminology or {})
    documents, misread = loader.documents_of(content)
    assert not misread
    found = twins.problems(loader.load(content, locked=False), documents)
    told = [f"{content[one.file].splitlines()[one.line - 1].strip()} {one.what}" for one in found]
    return [one for one in told if "comfort-care" not in one]  # a twin of the tiny rule base itself


def test_the_same_codes_in_other_words_are_the_same_set() -> None:
    again = {**code_set({"code": "a", "display": "A"}), "title": "another title"}

    assert told({}, terminology={"again": again}) == [
        "again: 'again' holds the same codes as 'set-a': keep one of them"
    ]


def test_a_side_or_a_site_makes_another_set() -> None:
    left = code_set({"code": "a", "side": "left"})
    sited = code_set({"code": "a", "needs-site": "legs"})

    assert told({}, terminology={"left": left, "sited": sited}) == []


def test_a_fact_is_what_it_is_defined_as_not_what_it_is_called() -> None:
    facts = {
        "one": fact(in_=["set-a", "set-b"]),
        "other": {**fact(in_=["set-a", "set-b"]), "label": "another label", "source": "another"},
        "more": fact(in_=["set-a", "set-b", "set-c"]),
    }

    assert told(facts) == ["other: 'other' is defined as 'one' is: keep one of them"]


def test_the_order_of_sets_and_of_parts_makes_no_other_fact() -> None:
    facts = {
        "one": fact(in_=["set-a", "set-b"]),
        "other": fact(in_=["set-b", "set-a"]),
        "most": fact(in_=["set-c", "set-a"]),
        "any": {"kind": "group", "label": "any", "when": {"any": ["one", "most"]}, "source": "s"},
        "yna": {"kind": "group", "label": "yna", "when": {"any": ["most", "one"]}, "source": "s"},
        "all": {"kind": "group", "label": "all", "when": {"all": ["most", "one"]}, "source": "s"},
    }

    assert told(facts) == [
        "other: 'other' is defined as 'one' is: keep one of them",
        "yna: 'yna' is defined as 'any' is: keep one of them",
    ]
