"""What a card calls an entry: the record's own words, ours where it has only an official title."""

import pytest

from cds_service.facts.statements import entry_label
from cds_service.fhir.resources import CodeableConcept, Coding
from cds_service.rulebase.concepts import Concept

OFFICIAL = "Atherosclerosis of native arteries of extremities with intermittent claudication, left leg"
KNOWN = Concept("icd", "I70.21", OFFICIAL, prefix=True, plain="Intermittent claudication")
TITLE = "Atherosclerosis of native arteries of extremities with intermittent claudication, right leg"


@pytest.mark.parametrize(
    ("text", "display", "said"),
    [
        (None, None, "Intermittent claudication"),
        (None, OFFICIAL, "Intermittent claudication"),
        (OFFICIAL.upper(), OFFICIAL, "Intermittent claudication"),
        (OFFICIAL, None, "Intermittent claudication"),
        # A longer code has a title of its own.
        (TITLE, TITLE, "Intermittent claudication"),
        ("Calves cramp on hills", OFFICIAL, "Calves cramp on hills"),
        ("<b>heavy</b>", OFFICIAL, "Intermittent claudication"),
        ("\u3164" * 40, OFFICIAL, "Intermittent claudication"),  # a letter that shows nothing
        ("\u2800 \u2800", OFFICIAL, "Intermittent claudication"),
        ("heavy\ufe0f", OFFICIAL, "Intermittent claudication"),
        ("h" + "\u0301" * 5, OFFICIAL, "Intermittent claudication"),  # marks that cover the line above
        ("Schaufensterkrankheit, beidseitig: Füße", OFFICIAL, "Schaufensterkrankheit, beidseitig: Füße"),
        ("đau chân (e\u0302\u0301)", OFFICIAL, "đau chân (e\u0302\u0301)"),
    ],
)
def test_an_official_title_becomes_plain_words(text: str | None, display: str | None, said: str) -> None:
    concept = CodeableConcept(text=text, coding=(Coding(display=display),))
    assert entry_label(concept, KNOWN) == said


def test_without_plain_words_the_title_stands() -> None:
    known = Concept("icd", "I70.21", OFFICIAL)
    assert entry_label(CodeableConcept(coding=(Coding(display=OFFICIAL),)), known) == OFFICIAL
    assert entry_label(CodeableConcept(), known) == OFFICIAL
