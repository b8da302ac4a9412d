"""What is written down about one call: the fields of these structs, and nothing else.

An answer, a refusal and a feedback each are one event. The structs are the allowlist of what is kept:
codes and names of our own content, values as they were reported, dates, references, digests, keyed
hashes of who it was about. Never: names, displays and narrative from a record, tokens, bodies, the
words of a failure, the free text of a feedback. `allowlist` says what may stand in a field that a
client or a record has filled.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from cds_service import __version__
from cds_service.audit.allowlist import Allowlist
from cds_service.audit.basis import CardShown, FactUsed, Line, cards_shown, facts_used, lines
from cds_service.decision import Decision
from cds_service.failures import Failure
from cds_service.fhir import dates
from cds_service.hooks.feedback import Feedback

# Of the events below; a change of meaning or of a name is a new one. An event or a member more, which
# whoever does not know it can leave unread, is none.
SCHEMA = 1
UNKNOWN_CARD = "unknown-card"  # the mark of feedback on cards that nobody was shown


class Undelivered(msgspec.Struct, frozen=True):
    """Something the decision had to do without, and why."""

    what: str
    why: str


class RuleBaseUsed(msgspec.Struct, frozen=True):
    """The rule base that decided."""

    version: str
    digest: str


class _Event(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", rename="camel", omit_defaults=True
):
    """What every event says: when it arrived, which client and service, which software.

    `digest` is the SHA-256 of the request body. `marks` are ours: `playground`, `now-from-request`,
    `another-client`, `unknown-card`.
    """

    time: str
    software: str
    client: str = ""
    service: str = ""
    digest: str = ""
    marks: tuple[str, ...] = ()


class Answered(_Event, frozen=True, kw_only=True, tag="answered"):
    """A hook request that was answered, with cards or without.

    `patient`, `user` and `encounter` are keyed hashes; `now` is the time the facts were read at.
    `timings` are milliseconds per stage.
    """

    hook: str
    hook_instance: str
    patient: str
    rule_base: RuleBaseUsed
    now: str
    zone: str
    user: str = ""
    user_type: str = ""
    encounter: str = ""
    evaluation: tuple[Line, ...] = ()
    facts: tuple[FactUsed, ...] = ()
    cards: tuple[CardShown, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()
    timings: Mapping[str, float] = {}


class Refused(_Event, frozen=True, kw_only=True, tag="refused"):
    """A call that failed: the kind of failure and the JSON path, never the value found there.

    `calls`: how many calls the row stands for; refusals of one kind may come in thousands.
    """

    failure: str
    where: str = ""
    hook: str = ""
    hook_instance: str = ""
    calls: int = 1


class FeedbackReceived(_Event, frozen=True, kw_only=True, tag="feedback"):
    """What a client said became of one card.

    `claimed` is the time the client gives; `time` is when it reached us. `commented` says that there
    was a free text: the text itself is a clinician's about a patient, and is dropped. `means` is the
    name of our own reason, where the client has said what its code stands for. `suggestions` are those
    of this very card; of others there is only the number, `suggestions_not_kept`. The mark
    `another-client` is on what was said of a card that this client was never shown: it counts nowhere.
    With the mark `unknown-card` the row stands for all `entries` of one body whose cards were shown to
    nobody, and says what the first of them said.
    """

    card: str
    outcome: str
    claimed: str = ""
    suggestions: tuple[str, ...] = ()
    reason: str = ""
    reason_system: str = ""
    means: str = ""
    commented: bool = False
    suggestions_not_kept: int = 0
    entries: int = 1


class ClientConfigured(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What one client has chosen about rules, and the digest of its rule base.

    `off` and `silent` are in force for it, `everywhere` included. `red_flags`: those of them that are
    red flags. `thresholds`: name → unit → number, where it is another than content's own. `orders`:
    those that carry codes of its own.
    """

    client: str
    rule_base: str
    off: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    red_flags: tuple[str, ...] = ()
    silent_mode: bool = False
    thresholds: Mapping[str, Mapping[str, str]] = {}
    orders: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


class Configured(_Event, frozen=True, kw_only=True, tag="configured"):
    """What the service runs with, written when that has changed: at its start, or when it reloads.

    Nobody is named: it is the process that says so (`writer` of the row). `digest` is the SHA-256 of
    the clients file; empty without one. `configuration` is one of all that the event says of clients,
    and of the software. `off` and `silent` are the rules that nobody gets.
    """

    configuration: str
    rule_base: RuleBaseUsed
    off: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    clients: tuple[ClientConfigured, ...] = ()


Event = Answered | Refused | FeedbackReceived | Configured


def of_decision(
    decision: Decision,
    kept: Allowlist,
    *,
    time: datetime,
    marks: tuple[str, ...] = (),
    timings: Mapping[str, float] | None = None,
    software: str = __version__,
) -> Answered:
    """The event of an answered request.

    Args:
        decision: all that the request led to.
        kept: what may be kept, and the secret for keyed hashes.
        time: when the request arrived; aware.
        marks: our own words for what was special about the call.
        timings: milliseconds per stage.
        software: the version that answered.
    """
    question = decision.question
    return Answered(
        time=moment(time),
        software=software,
        client=kept.client(question.client),
        service=kept.token(question.service),
        digest=kept.token(question.digest),
        marks=tuple(kept.token(mark) for mark in marks),
        hook=kept.token(question.hook),
        hook_instance=kept.uuid(question.hook_instance),
        patient=kept.patient(question),
        user=kept.user(question),
        user_type=kept.user_type(question),
        encounter=kept.encounter(question),
        rule_base=RuleBaseUsed(decision.version, decision.digest),
        now=moment(decision.facts.now),
        zone=str(decision.facts.zone),
        evaluation=lines(decision),
        facts=facts_used(decision, kept),
        cards=cards_shown(decision),
        undelivered=tuple(
            Undelivered(kept.undelivered(what, question), kept.reason(why))
            for what, why in decision.facts.undelivered
        ),
        timings={kept.token(stage): round(ms, 3) for stage, ms in (timings or {}).items()},
    )


def of_refusal(  # noqa: PLR0913 - what the shell knows about a call that failed
    failure: Failure,
    kept: Allowlist,
    *,
    time: datetime,
    service: str,
    client: str = "",
    body: bytes = b"",
    hook: str = "",
    hook_instance: str = "",
    marks: tuple[str, ...] = (),
    calls: int = 1,
    software: str = __version__,
) -> Refused:
    """The event of a call that failed; `body` is only digested."""
    return Refused(
        time=moment(time),
        software=software,
        client=kept.client(client),
        service=kept.token(service),
        digest=sha256(body).hexdigest() if body else "",
        marks=tuple(kept.token(mark) for mark in marks),
        failure=failure.kind.value,
        where=kept.path(failure.where) if failure.where else "",
        hook=kept.token(hook),
        hook_instance=kept.uuid(hook_instance),
        calls=calls,
    )


def of_feedback(  # noqa: PLR0913 - what the shell knows about an entry
    feedback: Feedback,
    kept: Allowlist,
    *,
    time: datetime,
    service: str,
    client: str = "",
    means: str = "",
    reasons: Collection[str] = (),
    offered: Collection[str] = (),
    marks: tuple[str, ...] = (),
    software: str = __version__,
) -> FeedbackReceived:
    """The event of one entry of a feedback body; `time` is when it arrived, by our clock.

    Args:
        feedback: the entry.
        kept: what may be kept.
        time: when it arrived; aware.
        service: the id of the service.
        client: who said it.
        means: the name of our own reason for the one that the client gives; empty for none.
        reasons: the codes and systems of reasons that are ours, or in the client's entry. Another code
            is hidden: it may be a name.
        offered: the suggestions of this card, by uuid; what else was accepted is only counted.
        marks: our own words for what was special about it.
        software: the version that wrote it down.
    """
    claimed = dates.parse(feedback.timestamp, UTC)
    accepted = [one.lower() for one in feedback.suggestions]
    return FeedbackReceived(
        time=moment(time),
        software=software,
        client=kept.client(client),
        service=kept.token(service),
        marks=tuple(kept.token(mark) for mark in marks),
        card=kept.uuid(feedback.card),
        outcome=kept.token(feedback.outcome),
        claimed=moment(claimed.start) if claimed else kept.hidden(feedback.timestamp),
        suggestions=tuple(dict.fromkeys(one for one in accepted if one in offered)),
        suggestions_not_kept=sum(one not in offered for one in accepted),
        reason=kept.known(feedback.reason or feedback.own_reason, reasons),
        reason_system=feedback.reason_system
        if feedback.reason_system in reasons
        else kept.uri(feedback.reason_system),
        means=means,
        commented=bool(feedback.comment),
    )


def of_unknown_cards(
    entries: Sequence[Feedback],
    kept: Allowlist,
    *,
    time: datetime,
    service: str,
    client: str = "",
    marks: tuple[str, ...] = (),
    reasons: Collection[str] = (),
) -> FeedbackReceived:
    """One event for all entries of a body whose cards were shown to nobody: it says how many.

    So that whoever makes cards up by the thousand does not fill the disk with them.
    """
    first = of_feedback(
        entries[0],
        kept,
        time=time,
        service=service,
        client=client,
        reasons=reasons,
        marks=(*marks, UNKNOWN_CARD),
    )
    return msgspec.structs.replace(
        first,
        entries=len(entries),
        suggestions_not_kept=sum(len(one.suggestions) for one in entries),
        commented=any(one.comment for one in entries),
    )


def moment(time: datetime) -> str:
    """A time in UTC to the millisecond, as it is written in events."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
