"""Decisions and events for the tests of the audit: made by hand, without a rule base."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from cds_service.audit import event
from cds_service.audit.allowlist import Allowlist
from cds_service.audit.event import Answered, FeedbackReceived
from cds_service.audit.secret import Secret
from cds_service.decision import Decision
from cds_service.facts.model import Datum, Fact, FactSet, Reason
from cds_service.fhir import dates
from cds_service.hooks.card import Action, Card, Source, Suggestion
from cds_service.hooks.feedback import Feedback
from cds_service.hooks.request import Question
from cds_service.presentation.cards import Carded
from cds_service.rules.model import Finding

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CARD = "0a0a0a0a-0000-4000-8000-00000000000a"
CALL = "0b0b0b0b-0000-4000-8000-00000000000b"
SECRET = Secret(bytes(range(32)))
KEPT = Allowlist(SECRET, frozenset({"mmol/L"}), frozenset({"conditions", "laboratory"}))


def question(patient: str = "p1", instance: str = CALL, client: str = "ehr") -> Question:
    return Question(
        service="heavy-legs-patient-view",
        hook="patient-view",
        hook_instance=instance,
        patient=patient,
        user="Practitioner/dr-1",
        encounter="enc-1",
        client=client,
        fhir_server="https://ehr.example/fhir/",
        digest="d" * 64,
    )


def datum(**changes: object) -> Datum:
    given: dict[str, object] = {
        "label": "Potassium",
        "text": "2.4 mmol/L",
        "ref": "Observation/k-1",
        "when": dates.parse("2026-11-22T07:40:00Z", UTC),
        "value": "2.4",
        "unit": "mmol/L",
    }
    return Datum(**{**given, **changes})  # type: ignore[arg-type]


def decision(
    *,
    asked: Question | None = None,
    data: tuple[Datum, ...] = (),
    card: str = CARD,
    words: str = "Potassium 2.4 mmol/L",
    undelivered: tuple[tuple[str, str], ...] = (("devices", "not-delivered"),),
) -> Decision:
    """One rule fires on one fact, one is merged into its card, one is unknown."""
    fires = Finding("k-01", 2, "fires", indicator="critical", level=0, because=("k-low",), shown="card")
    merged = Finding(
        "mg-01", 1, "fires", indicator="warning", because=("k-low",), shown="merged", shown_reason="k-01"
    )
    unknown = Finding("pad-01", 1, "unknown", reason="facts-missing", missing=("abi-low",))
    facts = {
        "k-low": Fact("k-low", True, data=data or (datum(),)),
        "abi-low": Fact("abi-low", None, Reason.NOT_RECORDED),
    }
    suggestion = Suggestion(
        label=words,
        uuid=str(uuid5(UUID(card), "ecg")),
        actions=(Action("create", words, {"resourceType": "ServiceRequest", "note": words}),),
    )
    shown = Card(
        uuid=card,
        summary=words,
        indicator="critical",
        source=Source(words),
        detail=words,
        suggestions=(suggestion,),
        extension={"org.heavylegs.basis": {"facts": [{"value": words}]}},
    )
    return Decision(
        question=asked or question(),
        facts=FactSet(
            now=NOW, zone=UTC, sides={"": facts}, orders={"": {}}, readings={}, undelivered=undelivered
        ),
        findings=(fires, merged, unknown),
        carded=(Carded(shown, fires, ("ecg",), {"potassium-oral": "not-clear: dialysis"}),),
        settles=(),
        version="2026.11",
        digest="e" * 64,
    )


def answered(
    instance: str = CALL, kept: Allowlist = KEPT, card: str = CARD, client: str = "ehr"
) -> Answered:
    asked = question(instance=instance, client=client)
    return event.of_decision(decision(asked=asked, card=card), kept, time=NOW)


def feedback(
    card: str = CARD,
    outcome: str = "overridden",
    *,
    received: datetime = NOW,
    claimed: str = "2026-11-22T08:59:00Z",
    reason: str = "patient-refuses",
    client: str = "ehr",
    kept: Allowlist = KEPT,
) -> FeedbackReceived:
    said = Feedback(card, outcome, claimed, reason=reason, reason_system="https://r.example/reasons")
    return event.of_feedback(
        said, kept, time=received, service="s", client=client, reasons={"patient-refuses"}
    )
