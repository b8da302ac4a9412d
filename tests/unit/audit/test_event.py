"""An event keeps what explains a decision, and nothing that names anybody."""

import json
from datetime import timedelta, timezone
from typing import Any

import pytest

from cds_service import __version__
from cds_service.audit import chain, event
from cds_service.failures import Failure, Kind
from cds_service.fhir.dates import Span
from cds_service.hooks.feedback import Feedback
from cds_service.hooks.request import Question
from tests.unit.audit.decisions import CALL, CARD, KEPT, NOW, SECRET, datum, decision, question

NAME = "ZZSECRETZZ"
EVERYWHERE = f"{NAME} Mary"
OFFERED = "9a20726f-05af-5ecf-bd70-e5d2756736d2"  # a suggestion


def as_plain(one: event.Event) -> dict[str, object]:
    plain: dict[str, object] = json.loads(chain.canonical(one))
    return plain


def test_an_answer_says_which_rules_fired_on_what_and_what_was_shown() -> None:
    made = as_plain(
        event.of_decision(decision(), KEPT, time=NOW, marks=("playground",), timings={"decide": 1.25})
    )
    assert made == {
        "kind": "answered",
        "time": "2026-11-22T09:00:00.000Z",
        "software": __version__,
        "client": "ehr",
        "service": "heavy-legs-patient-view",
        "digest": "d" * 64,
        "marks": ["playground"],
        "hook": "patient-view",
        "hookInstance": CALL,
        "patient": SECRET.keyed("patient", "ehr", "https://ehr.example/fhir", "p1"),
        "user": SECRET.keyed("user", "ehr", "https://ehr.example/fhir", "Practitioner/dr-1"),
        "userType": "Practitioner",
        "encounter": SECRET.keyed("encounter", "ehr", "https://ehr.example/fhir", "enc-1"),
        "ruleBase": {"version": "2026.11", "digest": "e" * 64},
        "now": "2026-11-22T09:00:00.000Z",
        "zone": "UTC",
        "evaluation": [
            {
                "rule": "k-01",
                "version": 2,
                "outcome": "fires",
                "shown": "card",
                "indicator": "critical",
            },
            {
                "rule": "mg-01",
                "version": 1,
                "outcome": "fires",
                "shown": "merged",
                "reason": "k-01",
                "indicator": "warning",
            },
            {
                "rule": "pad-01",
                "version": 1,
                "outcome": "unknown",
                "reason": "facts-missing",
                "missing": ["abi-low"],
            },
        ],
        "facts": [
            {"name": "abi-low", "reason": "not-recorded"},
            {
                "name": "k-low",
                "value": True,
                "data": [
                    {
                        "value": "2.4",
                        "unit": "mmol/L",
                        "date": "2026-11-22T07:40:00Z",
                        "resource": "Observation/k-1",
                    }
                ],
            },
        ],
        "cards": [
            {
                "uuid": CARD,
                "indicator": "critical",
                "rules": [
                    {"rule": "k-01", "version": 2, "indicator": "critical"},
                    {"rule": "mg-01", "version": 1, "indicator": "warning"},
                ],
                "level": 0,
                "suggestions": [{"uuid": "9a20726f-05af-5ecf-bd70-e5d2756736d2", "order": "ecg"}],
                "withheld": {"potassium-oral": "not-clear: dialysis"},
            }
        ],
        "undelivered": [{"what": "~" + SECRET.keyed("text", "devices")[:16], "why": "not-delivered"}],
        "timings": {"decide": 1.25},
    }


def test_the_laboratorys_own_range_is_kept_beside_the_value() -> None:
    measured = datum(low="3.5", high="5.1")
    made: Any = as_plain(event.of_decision(decision(data=(measured,)), KEPT, time=NOW))

    kept = made["facts"][1]["data"][0]
    assert (kept["value"], kept["low"], kept["high"]) == ("2.4", "3.5", "5.1")


def test_nothing_a_record_or_client_can_name_somebody_with_is_kept() -> None:
    asked = Question(
        service="heavy-legs-patient-view",
        hook="patient-view",
        hook_instance=EVERYWHERE,
        patient=NAME,
        user=f"{NAME}/{NAME}",
        encounter=NAME,
        selections=(f"MedicationRequest/{NAME}",),
        client="ehr",
        fhir_server=f"https://{NAME}.example/fhir",
        digest="d" * 64,
    )
    named = datum(
        label=EVERYWHERE,
        text=EVERYWHERE,
        ref=f"Observation/{NAME}-k",
        unit=NAME,
        before=EVERYWHERE,
        notes=(EVERYWHERE, "preliminary"),
        when=Span(NOW, NOW, precise=True, text=EVERYWHERE),
    )
    worded = datum(value=EVERYWHERE, ref=EVERYWHERE)
    odd = datum(ref=f"{NAME}/1")
    made = as_plain(
        event.of_decision(
            decision(
                asked=asked,
                data=(named, worded, odd),
                words=EVERYWHERE,
                undelivered=(
                    (NAME, "not-delivered"),
                    (f"Condition/{NAME}", "unreadable"),
                    (f"conditions: {NAME}", "unreadable"),
                ),
            ),
            KEPT,
            time=NOW,
            marks=(EVERYWHERE,),
            timings={EVERYWHERE: 1.0},
        )
    )
    assert NAME not in json.dumps(made)
    assert made["userType"] == "other"


def test_a_refusal_keeps_kind_and_path_and_no_words() -> None:
    failure = Failure(Kind.INCORRECT, EVERYWHERE, where=f"prefetch.{NAME}.resourceType", todo=EVERYWHERE)
    made = as_plain(
        event.of_refusal(failure, KEPT, time=NOW, service=EVERYWHERE, client="ehr", body=NAME.encode())
    )
    assert NAME not in json.dumps(made)
    assert (made["kind"], made["failure"]) == ("refused", "incorrect")
    where = str(made["where"]).split(".")
    assert (where[0], where[2]) == ("prefetch", "resourceType")
    assert len(str(made["digest"])) == 64


@pytest.mark.parametrize(
    "where",
    [
        "the body",
        "prefetch.conditions",
        "prefetch",
        "context.selections.0",
        "fhirAuthorization.patient",
        "feedback.3.outcomeTimestamp",
        "extension.org.heavylegs.now",
        "hook",
    ],
)
def test_the_path_of_a_failure_is_kept_where_the_protocol_names_it(where: str) -> None:
    assert KEPT.path(where) == where


def test_feedback_is_kept_without_its_free_text() -> None:
    taken = (OFFERED, OFFERED.upper(), "s-1", NAME)
    said = Feedback(
        CARD, "overridden", "2026-11-22T10:00:00+01:00", taken, "patient-refuses", "https://r", NAME
    )
    made = as_plain(
        event.of_feedback(
            said,
            KEPT,
            time=NOW,
            service="s",
            client="ehr",
            reasons={"patient-refuses"},
            offered={OFFERED},
        )
    )
    assert made == {
        "kind": "feedback",
        "time": "2026-11-22T09:00:00.000Z",
        "software": __version__,
        "client": "ehr",
        "service": "s",
        "card": CARD,
        "outcome": "overridden",
        "claimed": "2026-11-22T09:00:00.000Z",
        "suggestions": [OFFERED],
        "suggestionsNotKept": 2,
        "reason": "patient-refuses",
        "reasonSystem": "https://r",
        "commented": True,
    }


def test_free_text_in_any_field_of_a_feedback_is_hidden() -> None:
    said = Feedback(
        EVERYWHERE, EVERYWHERE, EVERYWHERE, (EVERYWHERE,), EVERYWHERE, EVERYWHERE, EVERYWHERE
    )
    made = chain.canonical(event.of_feedback(said, KEPT, time=NOW, service="s"))
    assert NAME.encode() not in made


@pytest.mark.parametrize(
    ("code", "system", "kept"),
    [
        ("Max.Mustermann-1970", "mailto:max.mustermann", ("", "")),
        ("Mustermann", "tel:0123456", ("", "")),
        ("mustermann", "urn:x:mustermann", ("", "")),
        ("Mustermann", "https://max@ehr.example/codes", ("", "")),
        ("Mustermann", "https://ehr.example/codes?who=max", ("", "")),
        ("Mustermann", "https://ehr.example/codes", ("", "https://ehr.example/codes")),
        ("99", "urn:oid:1.2.3.4", ("", "urn:oid:1.2.3.4")),
        ("17", "ehr-own", ("17", "ehr-own")),  # both in its entry
        ("patient-refuses", "", ("patient-refuses", "")),
    ],
)
def test_a_reason_is_kept_where_it_is_known_and_a_system_where_it_is_an_address(
    code: str, system: str, kept: tuple[str, str]
) -> None:
    said = Feedback(CARD, "overridden", "2026-11-22T09:00:00Z", reason=code, reason_system=system)
    known = {"patient-refuses", "17", "ehr-own"}
    made = event.of_feedback(said, KEPT, time=NOW, service="s", reasons=known)
    expected = tuple(own or KEPT.hidden(text) for own, text in zip(kept, (code, system), strict=True))
    assert (made.reason, made.reason_system) == expected


def test_an_ehrs_own_code_is_hidden_as_any_other_is() -> None:
    said = Feedback(CARD, "overridden", "2026-11-22T09:00:00Z", own_reason="Mustermann")
    assert event.of_feedback(said, KEPT, time=NOW, service="s").reason == KEPT.hidden("Mustermann")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (CARD, True),
        (CARD.upper(), True),
        (f"urn:uuid:{CARD}", True),
        ("Max.Mustermann-1970", False),
        ("call-17", False),
        (f"{CARD}-Mustermann", False),
        (CARD.replace("-", ""), False),
    ],
)
def test_a_number_of_the_clients_is_kept_when_it_is_a_uuid(text: str, kept: bool) -> None:
    shown = text if kept else KEPT.hidden(text)
    said = Feedback(text, "overridden", "2026-11-22T09:00:00Z")
    failure = Failure(Kind.INCORRECT, "", where="hook")
    assert event.of_feedback(said, KEPT, time=NOW, service="s").card == shown
    refused = event.of_refusal(failure, KEPT, time=NOW, service="s", hook_instance=text)
    assert refused.hook_instance == shown
    answer = event.of_decision(decision(asked=question(instance=text)), KEPT, time=NOW)
    assert answer.hook_instance == shown


def test_of_cards_that_nobody_was_shown_one_row_says_how_many() -> None:
    first = Feedback("c-1", "accepted", "2026-11-22T09:00:00Z", ("s" * 70,) * 40)
    more = [Feedback(f"c-{n}", "overridden", "2026-11-22T09:00:00Z", comment=NAME) for n in range(499)]
    made = event.of_unknown_cards((first, *more), KEPT, time=NOW, service="s", marks=("playground",))
    assert (made.entries, made.suggestions, made.suggestions_not_kept) == (500, (), 40)
    assert made.marks == ("playground", event.UNKNOWN_CARD)
    assert (made.card, made.outcome, made.commented) == (KEPT.hidden("c-1"), "accepted", True)
    assert len(chain.canonical(made)) < 1000


def test_a_patient_is_another_for_another_client_or_server() -> None:
    here = KEPT.patient(question())
    assert here == KEPT.patient(question(patient="Patient/p1"))
    assert here != KEPT.patient(question(client="other"))
    assert here != KEPT.patient(question(patient="p2"))
    assert here != KEPT.user(question())


@pytest.mark.parametrize(
    ("ref", "kept"),
    [
        ("Observation/k-1", True),
        ("urn:uuid:0a0a0a0a-0000-4000-8000-00000000000a", True),
        ("laboratory#3", True),
        ("Patient/pat-77", False),
        ("Encounter/enc-1", False),
        ("Observation/pat-77.k", False),
        ("Observation/two words", False),
        ("https://ehr.example/fhir/Observation/1", False),
    ],
)
def test_a_reference_is_kept_unless_it_tells_who(ref: str, kept: bool) -> None:
    assert (KEPT.reference(ref, question(patient="pat-77")) == ref) is kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [("2.4", True), ("<0.5", True), (">=1e3", True), ("-3", True), ("Ann", False), ("2,4", False)],
)
def test_only_a_number_is_a_value(text: str, kept: bool) -> None:
    assert KEPT.value(text) == (text if kept else "")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-11-22", True),
        ("age 52", True),
        ("reported 2026-11-22T07:40:00Z", True),
        ("reported Ann", False),
        ("Ann", False),
    ],
)
def test_only_what_is_a_date_is_kept_as_one(text: str, kept: bool) -> None:
    assert KEPT.date(Span(NOW, NOW, precise=False, text=text)) == (text if kept else "")


def test_the_same_event_is_always_the_same_bytes() -> None:
    zone = timezone(timedelta(hours=5))
    one = chain.canonical(event.of_decision(decision(), KEPT, time=NOW))
    other = chain.canonical(event.of_decision(decision(), KEPT, time=NOW.astimezone(zone)))
    assert one == other
    keys = list(json.loads(one))
    assert keys == sorted(keys)
