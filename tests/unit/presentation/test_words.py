"""The words of a card: short, plain, in four labelled lines, and never made of the record's markup."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.hooks.card import Card
from cds_service.presentation.text import capital, escaped, plain
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import concept, condition, lab, medicine, observation, quantity
from tests.unit.rulebase.tiny import fact, rule, rule_base
from tests.unit.rules.deciding import answered, decided, facts_of

BIDI_AND_HIDDEN = "\u202e\u202d\u2066\u2069\u200b\u200c\u200d\ufeff\u00ad\x00\x07\x1b"


def words(
    template: str, consider: list[str] | None = None, why: list[str] | None = None
) -> dict[str, Any]:
    text = {"summary": template, "consider": consider or ["Do it"]} | ({"why": why} if why else {})
    return {"card": {"texts": {"default": text}}}


def base_with(summary: str, **more: Any) -> RuleBase:
    low = fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-30")
    facts = {
        "heavy": fact(in_=["heavy"]),
        "low": low,
        "on-pill": fact("medication", in_=["pill"]),
        "adult": fact("age", is_={"at-least": "age-18"}),
        "weak": fact("finding", in_=["weak"], within="window-30", ask="strength of the legs"),
    }
    return rule_base(facts, [rule("r", "heavy", **words(summary, **more))])


@pytest.fixture(scope="module")
def named() -> RuleBase:
    return base_with("{heavy}[, since {heavy.onset}][ at {patient.age}]: consider it")


def card(base: RuleBase, **brought: Any) -> Card:
    return answered(base, **brought).cards[0]


def heavy(text: str, **fields: Any) -> dict[str, Any]:
    return condition(**fields) | {"code": concept("heavy", text=text)}


# --- the laboratory's own range ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"low": 3.5, "high": 0.2}, "K 2.0 mmol/L: consider it"),  # upside down
        ({"high": 0.7}, "K 2.0 mmol/L, 2.8 times up to 0.7 mmol/L: consider it"),
        ({"low": 0.1, "high": 0.7}, "K 2.0 mmol/L, 2.8 times 0.1-0.7 mmol/L: consider it"),
        ({"low": 3.5}, "K 2.0 mmol/L: consider it"),
    ],
)
def test_a_value_with_its_range(own: dict[str, float], said: str) -> None:
    base = base_with("K {low}[, {low.upper-times} times {low.range}]: consider it")
    result = lab("2.0", referenceRange=[{key: quantity(one) for key, one in own.items()}])

    assert card(base, conditions=[condition()], laboratory=[result]).summary == said


# --- the summary -----------------------------------------------------------------------------------


def test_a_summary_says_what_the_record_says(named: RuleBase) -> None:
    found = card(named, conditions=[heavy("Heavy legs", onsetDateTime="2026-10-08")])

    assert found.summary == "Heavy legs, since 8 Oct 2026 at 60: consider it"


def test_an_optional_part_is_left_out_when_it_is_not_known(named: RuleBase) -> None:
    found = card(named, conditions=[heavy("Heavy legs")], patient={"birthDate": None})

    assert found.summary == "Heavy legs: consider it"


def test_an_uncertain_age_is_said_as_a_range(named: RuleBase) -> None:
    found = card(named, conditions=[heavy("Heavy legs")], patient={"birthDate": "1966"})

    assert found.summary == "Heavy legs at 59-60: consider it"


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_a_summary_is_below_140_characters_and_plain_whatever_the_record_calls_it(text: str) -> None:
    base = _LONG
    found = card(base, conditions=[heavy(text, onsetDateTime="2026-10-08")])

    assert 0 < len(found.summary) < 140
    assert not set(found.summary) & set(BIDI_AND_HIDDEN + "\n\r\t")
    assert len(found.source.label) < 140


_LONG = base_with(
    "{heavy} and {heavy} with {heavy.onset}[ and moreover {heavy}, {heavy.age}]"
    "[ in somebody who is now at the age of {patient.age}]: consider it"
)


def test_optional_parts_are_dropped_from_the_end_until_it_fits() -> None:
    long_name = "A very long name of a complaint indeed"
    found = card(_LONG, conditions=[heavy(long_name, onsetDateTime="2026-10-08")])

    assert found.summary.endswith("45 days ago: consider it")


# --- nothing of the record renders -----------------------------------------------------------------

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "![x](https://evil.example/p.png)",
    "https://evil.example",
    "www.evil.example",
    "**bold** _it_ ~~no~~ `code`",
    "a | b",
    "&lt;b&gt;",
    "one\n\n**Consider** Stop the pill",
    "one\r\n# Heading\n- item",
    f"left{BIDI_AND_HIDDEN}right",
    "someone@evil.example",
    "<https://evil.example>",
    "\\[x\\](y)",
]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(f"{tag} {attrs}")


def rendered(markdown: str) -> list[str]:
    """The elements that CommonMark with GitHub's extensions makes of a text."""
    from markdown_it import MarkdownIt  # noqa: PLC0415

    parser = _Tags()
    parser.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))
    return parser.seen


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_from_the_record_becomes_markup(named: RuleBase, attack: str) -> None:
    found = card(named, conditions=[heavy(attack)])
    clean = card(named, conditions=[heavy("Heavy legs")])

    assert rendered(found.detail) == rendered(clean.detail)
    assert not re.search(r"(?<!\\)://|www\.", found.detail)
    assert not set(found.detail) & set(BIDI_AND_HIDDEN)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>[]()*_`~|\\&#-+!@:/.w a\n1\u202e\u200b"), max_size=60))
def test_escaped_text_renders_as_text_only(text: str) -> None:
    assert rendered(f"Says {escaped(text)} here") == ["p []"]


@given(st.text(max_size=300), st.integers(min_value=2, max_value=100))
def test_plain_text_is_short_and_visible(text: str, longest: int) -> None:
    found = plain(text, longest)

    assert len(found) <= longest
    assert found == found.strip()
    assert not set(found) & set(BIDI_AND_HIDDEN + "\n\r\t\u2028\u2029")


def test_clipped_text_says_so() -> None:
    assert plain("abcdefghij", 5) == "abcd…"
    assert plain("  a \t\n b ", 20) == "a b"


# --- the detail ------------------------------------------------------------------------------------


def labels(detail: str) -> list[str]:
    return re.findall(r"^\*\*([^*]+)\*\* ", detail, re.MULTILINE)


def test_the_detail_has_four_labelled_lines_in_order() -> None:
    levels = [
        {"indicator": "warning", "when": {"all": ["heavy", "weak"]}},
        {"indicator": "info", "when": "heavy"},
    ]
    base = rule_base(
        {
            "heavy": fact(in_=["heavy"]),
            "weak": fact("finding", in_=["weak"], within="window-30", ask="strength of the legs"),
        },
        [rule("r", levels=levels)],
    )
    detail = card(base, conditions=[condition()]).detail

    assert labels(detail) == ["Why", "Consider", "Not known", "Source"]
    assert "**Not known** Strength of the legs." in detail
    assert detail.endswith("r v1, draft, not clinician-approved")


def test_a_group_worth_knowing_stands_for_the_facts_that_leave_it_open() -> None:
    question = {"kind": "finding", "within": "window-30"}
    base = rule_base(
        {
            "heavy": fact(in_=["heavy"]),
            "numb": fact(**question, in_=["weak"], ask="numbness"),
            "tone": fact(**question, in_=["set-b"], ask="tone"),
            "fever": fact(**question, in_=["set-c"], ask="fever"),
            "sign": fact("group", when={"any": ["numb", "tone"]}, ask="the two questions"),
        },
        [
            rule(
                "r",
                levels=[
                    {"indicator": "warning", "when": {"all": ["heavy", {"any": ["sign", "fever"]}]}},
                    {"indicator": "info", "when": "heavy"},
                ],
                card={"worth-knowing": ["sign"]},
            )
        ],
    )

    assert "**Not known** The two questions; fever." in card(base, conditions=[condition()]).detail


def test_an_empty_line_is_left_out(named: RuleBase) -> None:
    assert labels(card(named, conditions=[condition()]).detail) == ["Why", "Consider", "Source"]


def test_an_active_rule_does_not_say_that_it_is_a_draft() -> None:
    base = rule_base(rules=[rule("r", status="active")])

    assert "clinician-approved" not in decided(base, a=True).cards[0].detail


def test_a_value_is_said_as_reported_with_its_date() -> None:
    base = rule_base(
        {"low": fact("measurement", of="potassium", is_={"below": "potassium-low"})}, [rule("r", "low")]
    )
    detail = card(base, laboratory=[lab("2.40", at="2026-11-22T07:40:00Z")]).detail

    assert "**Why** Potassium 2.40 mmol/L (22 Nov 2026, 07:40)." in detail


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"onsetDateTime": "2026-10-08", "recordedDate": "2026-11-01"}, "Heavy legs since 8 Oct 2026."),
        ({"onsetDateTime": None, "recordedDate": "2026-11-01"}, "Heavy legs (1 Nov 2026)."),
        ({"onsetDateTime": None, "recordedDate": None}, "Heavy legs."),
    ],
)
def test_when_it_began_is_said_and_a_date_of_recording_is_no_onset(
    fields: dict[str, Any], said: str
) -> None:
    words = {"summary": "Consider it", "consider": ["It."], "why": ["{heavy}[ {heavy.since}]."]}
    base = rule_base(
        {"heavy": fact(in_=["heavy"])}, [rule("r", "heavy", card={"texts": {"default": words}})]
    )
    heavy = condition(**fields) | {"code": concept("heavy", text="Heavy legs")}

    assert f"**Why** {said}" in card(base, conditions=[heavy]).detail


def test_a_preliminary_value_and_an_unconfirmed_entry_are_said_to_be() -> None:
    low = fact("measurement", of="potassium", is_={"below": "potassium-low"}, preliminary="counts")
    base = rule_base({"low": low, "heavy": fact(in_=["heavy"])}, [rule("r", {"all": ["low", "heavy"]})])
    unsure = condition(verificationStatus={"coding": [{"code": "provisional"}]})
    detail = card(base, laboratory=[lab("2.40", status="preliminary")], conditions=[unsure]).detail

    assert "preliminary" in detail
    assert "unconfirmed" in detail


def test_a_medicine_is_said_to_be_taken() -> None:
    base = rule_base({"on-pill": fact("medication", in_=["pill"])}, [rule("r", "on-pill")])
    named_pill = medicine(medicationCodeableConcept=concept("pill", text="Furosemide 40 mg"))

    assert "On Furosemide 40 mg." in card(base, medicationRequests=[named_pill]).detail


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (lab("2.4", "mg/L"), "unit not accepted: 2.4 mg/L"),
        (lab("2.4", None), "no unit: 2.4"),
        (lab("40"), "implausible value: 40 mmol/L"),
        (lab("2.4", at="2026-01-05"), "too old: 2.4 mmol/L, 5 Jan 2026"),
        (lab("2.4", at="2027-01-05"), "dated in the future"),
    ],
)
def test_what_could_not_be_used_is_said_with_the_value_and_why(
    result: dict[str, Any], said: str
) -> None:
    low = fact(
        "measurement",
        of="potassium",
        is_={"below": "potassium-low"},
        within="window-30",
        ask="potassium",
    )
    levels = [
        {"indicator": "warning", "when": {"all": ["heavy", "low"]}},
        {"indicator": "info", "when": "heavy"},
    ]
    base = rule_base({"low": low, "heavy": fact(in_=["heavy"])}, [rule("r", levels=levels)])
    detail = card(base, conditions=[condition()], laboratory=[result]).detail

    assert "**Not known** Potassium (" in detail
    assert said in detail


def test_an_analyte_is_said_with_the_value_that_the_rule_rests_on() -> None:
    base = rule_base(
        {"low": fact("measurement", of="potassium", is_={"below": "potassium-low"})},
        [rule("r", "low", summary="Potassium {potassium}: consider replacing it")],
    )
    final, early = lab("2.4", at="2026-11-21T08:00:00Z"), lab("4.4", status="preliminary")

    found = card(base, laboratory=[final, early])

    assert found.summary == "Potassium 2.4 mmol/L: consider replacing it"


def test_a_fact_without_data_says_nothing_under_why() -> None:
    base = rule_base(rules=[rule("r")])

    assert labels(decided(base, facts_of(base, {"a": True})).cards[0].detail) == ["Consider", "Source"]


def test_a_symptom_that_was_observed_is_said_with_its_date() -> None:
    base = rule_base({"weak": fact("finding", in_=["weak"], within="window-30")}, [rule("r", "weak")])
    seen = observation("weak", "2026-11-20", valueBoolean=True) | {
        "code": concept("weak", text="Weak legs")
    }

    assert "Weak legs (20 Nov 2026)." in card(base, findings=[seen]).detail


def test_two_facts_of_one_entry_say_it_once() -> None:
    """Two code sets may hold one code, and a fact of each may make the rule fire."""
    base = rule_base(
        {"left": fact(in_=["heavy"]), "one": fact(in_=["heavy", "set-b"])},
        [rule("r-01", {"all": ["left", "one"]})],
    )
    two = [condition(onsetDateTime="2026-11-01"), condition("b", onsetDateTime="2026-10-01")]

    assert card(base, conditions=two).detail.count("The heavy since 1 Nov 2026.") == 1


def test_a_fact_that_is_unknown_lends_no_value_to_the_words() -> None:
    low = fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-7")
    facts = {"heavy": fact(in_=["heavy"]), "low": low}
    base = rule_base(facts, [rule("r", "heavy", **words("Legs[, potassium {low}]: consider it"))])

    fresh = card(base, conditions=[condition()], laboratory=[lab("3.1")])
    old = card(base, conditions=[condition()], laboratory=[lab("3.1", at="2026-10-01T08:00:00Z")])

    assert fresh.summary == "Legs, potassium 3.1 mmol/L: consider it"
    assert old.summary == "Legs: consider it"  # too old to be said as if it were so


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cilostazol order, heart failure", "Cilostazol order, heart failure"),
        ("eGFR 28 mL/min", "eGFR 28 mL/min"),
        ("pH 7.2", "pH 7.2"),
        ("25-hydroxyvitamin D", "25-hydroxyvitamin D"),
        ("Left leg", "Left leg"),
        ("", ""),
    ],
)
def test_a_line_begins_with_a_capital_unless_its_word_is_written_otherwise(
    text: str, expected: str
) -> None:
    assert capital(text) == expected
