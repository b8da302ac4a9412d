"""One hook call from request to response: what HTTP and the page share.

The order is the one of ARCHITECTURE section 2: read, fill gaps, decide, encode, write the audit row,
answer. No advice leaves that has not been written down.
"""

import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from cds_service import emission
from cds_service.audit import event
from cds_service.audit.allowlist import Allowlist
from cds_service.audit.history import Shown, history_of, shown
from cds_service.audit.log import AuditLog
from cds_service.clients import configuration
from cds_service.clients.authentication import Authentication
from cds_service.clients.cautions import cautions
from cds_service.clients.choices import known_reasons, reason_meant, services_of
from cds_service.clients.model import Caller, Clients
from cds_service.deadline import Deadline
from cds_service.decision import Decision, answer
from cds_service.ehr.fetch import Ehr
from cds_service.facts.lookback import lookback
from cds_service.failures import Failure, Kind
from cds_service.fhir import dates
from cds_service.fhir.absence import Absence
from cds_service.fhir.evidence import Arrival, Evidence, Unavailable
from cds_service.hooks import encoding, feedback, necessary, prefetch
from cds_service.hooks import request as requests
from cds_service.hooks.feedback import Feedback
from cds_service.hooks.request import NOW_EXTENSION, HookRequest
from cds_service.hooks.service import Service, dated
from cds_service.rulebase.model import RuleBase
from cds_service.settings import Settings

_log = logging.getLogger(__name__)
UNKNOWN = "unknown"  # what the audit calls a service that there is not
PLAYGROUND = "playground"  # the mark of calls from the page
ANOTHER = "another-client"  # the mark of feedback on a card that the caller was never shown


class Runtime:
    """What a running service has at hand; one per process."""

    def __init__(
        self,
        *,
        settings: Settings,
        rule_base: RuleBase,
        audit: AuditLog,
        ehr: Ehr,
        clients: Clients,
        authentication: Authentication,
        reload: Callable[[], Clients],
    ) -> None:
        """Bind the parts together; `reload` reads the clients file again."""
        self.settings = settings
        self.rule_base = rule_base
        self.clients = clients
        self.authentication = authentication
        self._reload = reload
        self.audit = audit
        self.ehr = ehr
        self._kept = Allowlist.of(rule_base, audit.secret)
        # What is dismissed on the page is forgotten when the service starts anew, and never quiets a
        # card of another caller.
        self.page = f"{PLAYGROUND}-{datetime.now(UTC):%Y%m%d%H%M%S}"

    def reload(self) -> None:
        """Read the clients file again, whole or not at all, and write down what it changes.

        For the process that the others are made from: it answers no calls itself.

        Raises:
            BrokenClients: with everything that is wrong; what was in force stays in force.
            Failure: unavailable, when it cannot be read or the change cannot be written down.
        """
        before = self.clients
        self.clients = self._reload()
        try:
            self.configured()
        except Failure:
            self.clients = before
            raise

    def invoke(self, service_id: str, body: bytes, caller: Caller, deadline: Deadline) -> bytes:
        """Answer one hook request of a caller who may make it: the response body.

        After `deadline` there is none: it is looked at between the stages.

        Raises:
            Failure: of whatever kind stopped it; that too has been written to the audit log.
        """
        begun = datetime.now(UTC)
        clock = _Stopwatch()
        request: HookRequest | None = None
        try:
            deadline.check()
            service = _service(service_id, caller)
            request = requests.parse(body, service=service.id, hook=service.hook, client=caller.name)
            evidence = self._evidence(request, service, caller, clock)
            deadline.check()
            now, marks = self._now(request, begun, caller)
            decision = self._decision(request, evidence, now, caller)
            clock.lap("decide")
            deadline.check()
            _log_faults(decision)
            response = self._encoded(decision, caller)
            clock.lap("encode")
            deadline.check()
        except Failure as failure:
            if request is not None and failure.kind is Kind.UNOBTAINABLE:
                _log_bare(service_id, request)
            self.refused(failure, service_id, caller, body, request)
            raise
        except Exception as error:
            fault = Failure(Kind.FAULT, "the service failed", todo="tell its operator")
            self.refused(fault, service_id, caller, body, request)
            raise fault from error
        self.audit.append(
            event.of_decision(decision, self._kept, time=begun, marks=marks, timings=clock.laps)
        )
        return response

    def refused(
        self,
        failure: Failure,
        service: str,
        caller: Caller,
        body: bytes = b"",
        request: HookRequest | None = None,
        calls: int = 1,
    ) -> None:
        """Write down a call that was not answered, or how many were refused for the same reason.

        Raises:
            Failure: unavailable, when it cannot be written.
        """
        self.audit.append(
            event.of_refusal(
                failure,
                self._kept,
                time=datetime.now(UTC),
                # A path that a caller made up may hold anything; what is known is enough.
                service=service if service in self.rule_base.services else UNKNOWN,
                client=caller.name,
                body=body,
                marks=caller.marks,
                hook=request.question.hook if request else "",
                hook_instance=request.question.hook_instance if request else "",
                calls=calls,
            )
        )

    def configured(self) -> None:
        """Write down what the service runs with, unless that is what was written last; warn of it.

        Called when it starts and whenever it has read its clients anew; every process may call it.

        Raises:
            Failure: unavailable, when it cannot be written.
        """
        now = datetime.now(UTC)
        for client in self.clients.everybody:
            if client.relative_dates:
                lookback(client.rule_base)  # takes some seconds: before there are calls
        self.audit.append(configuration.of_configuration(self.clients, self.rule_base, time=now))
        for caution in cautions(self.clients):
            _log.warning("%s", caution)

    def feedback(self, service_id: str, body: bytes, caller: Caller) -> None:
        """Store what a client says became of its cards.

        What is said of another client's card is written down, marked, and counts nowhere; the rest of
        the body is stored all the same. Of cards that nobody was shown it is only written down how many.

        Raises:
            Failure: not-found, incorrect, forbidden for another client's card, or unavailable when it
                cannot be stored.
        """
        begun = datetime.now(UTC)
        try:
            service = _service(service_id, caller)
            entries = feedback.parse(body)
        except Failure as failure:
            self.refused(failure, service_id, caller, body)
            raise
        except Exception as error:
            fault = Failure(Kind.FAULT, "the service failed", todo="tell its operator")
            self.refused(fault, service_id, caller, body)
            raise fault from error
        # Said twice in one body it was said once.
        places = {one: place for place, one in reversed(list(enumerate(entries)))}
        of_cards = {one.card: shown(self.audit, self._kept, one.card) for one in places}
        said, others = [], []
        for one in dict.fromkeys(entries):
            card = of_cards[one.card]
            if card is not None:
                said.append(self._said(one, card, service, caller, begun))
                others.extend([places[one]] if ANOTHER in said[-1].marks else [])
        nobodys = [one for one in entries if of_cards[one.card] is None]
        if nobodys:
            said.append(
                event.of_unknown_cards(
                    nobodys,
                    self._kept,
                    time=begun,
                    service=service.id,
                    client=caller.name,
                    reasons=known_reasons(caller.client),
                    marks=caller.marks,
                )
            )
        self.audit.append_all(said)
        if others:
            _log.warning("%s: feedback on a card of another client", caller.client.name)
            raise Failure(
                Kind.FORBIDDEN,
                "this card was not shown to the client that calls",
                where=f"feedback[{others[0]}].card",
                todo="send feedback as the client, and the tenant, that got the card",
            )

    def _said(
        self, one: Feedback, card: Shown, service: Service, caller: Caller, begun: datetime
    ) -> event.FeedbackReceived:
        """An entry of a feedback body as an event; of another client's card it is marked."""
        own = card.client == self._kept.client(caller.name)
        return event.of_feedback(
            one,
            self._kept,
            time=begun,
            service=service.id,
            client=caller.name,
            means=reason_meant(caller.client, one),
            reasons=known_reasons(caller.client),
            offered=card.suggestions,
            marks=caller.marks if own else (*caller.marks, ANOTHER),
        )

    def asked(self, service: Service, caller: Caller) -> Service:
        """A service with the queries that are published to this caller."""
        if not caller.client.relative_dates:
            return service
        return dated(service, lookback(caller.client.rule_base))

    def _evidence(
        self, request: HookRequest, service: Service, caller: Caller, clock: "_Stopwatch"
    ) -> Evidence:
        question = request.question
        brought = prefetch.read(
            request.prefetch,
            self.asked(service, caller).prefetch,
            question.patient,
            request.draft_orders,
            question.encounter,
            question.fhir_server,
            datetime.now(UTC).date(),
        )
        clock.lap("read")
        gaps = [key for key, found in brought.arrivals.items() if _is_gap(found)]
        evidence = brought
        if gaps:
            fetched = self.ehr.fetch(request, service, gaps, caller.client)
            evidence = msgspec.structs.replace(brought, arrivals={**brought.arrivals, **fetched})
            clock.lap("fetch")
        _log_unpublished(service, evidence)
        necessary.demand_necessary(evidence)
        return evidence

    def _now(
        self, request: HookRequest, begun: datetime, caller: Caller
    ) -> tuple[datetime, tuple[str, ...]]:
        said = request.extension.get(NOW_EXTENSION)
        if said is None or not self.settings.allow_now:
            return begun, caller.marks
        span = dates.parse(said, UTC) if isinstance(said, str) else None
        if span is None or not span.precise:
            raise Failure(Kind.INCORRECT, "must be an ISO 8601 time", where=f"extension.{NOW_EXTENSION}")
        return span.start, (*caller.marks, "now-from-request")

    def _decision(
        self, request: HookRequest, evidence: Evidence, now: datetime, caller: Caller
    ) -> Decision:
        question, client = request.question, caller.client
        zone = ZoneInfo(client.zone) if client.zone else self.settings.timezone
        history = history_of(self.audit, question)
        return answer(question, evidence, client.rule_base, now, zone, history, client.policy)

    def _encoded(self, decision: Decision, caller: Caller) -> bytes:
        if self.settings.validate:
            emission.check(decision.cards)
        policy = caller.client.policy
        if policy.silent_mode:
            return encoding.response(())
        if not policy.evaluation:
            return encoding.response(decision.cards)
        return encoding.response(decision.cards, decision.evaluation(), decision.not_read())


def _log_bare(service_id: str, request: HookRequest) -> None:
    """Tell the operator of a call that failed as it brings no data and no leave to fetch any (92)."""
    if not request.prefetch and request.authorization is None:
        _log.warning(
            "%s: a call with neither prefetch nor fhirAuthorization: is the address that the EHR has on "
            "record exactly the one it calls?",
            service_id,
        )


def _service(service_id: str, caller: Caller) -> Service:
    """The service that a caller asks for.

    Raises:
        Failure: not-found, also for one that this client was not given.
    """
    offered = services_of(caller.client)
    found = offered.get(service_id)
    if found is None:
        known = ", ".join(offered)
        raise Failure(Kind.NOT_FOUND, "there is no such service", todo=f"the services are: {known}")
    return found


def _is_gap(found: Arrival | Unavailable) -> bool:
    """Whether more could be had: the key is missing, or its list has further pages that matter."""
    if isinstance(found, Unavailable):
        return found.reason == Absence.NOT_DELIVERED
    cut = found.incomplete == Absence.CUT and found.back_to is None
    return found.incomplete == Absence.MORE_PAGES or cut


# A key is the caller's: only what looks like one is written down.
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_MOST_KEYS = 10


def _log_unpublished(service: Service, evidence: Evidence) -> None:
    """Tell the operator of keys that the service does not publish: misspelt, their lists are missed."""
    keys = [key for key in evidence.arrivals if key not in service.prefetch and key != "draftOrders"]
    if keys:
        named = ", ".join(key if _KEY.fullmatch(key) else "(not a name)" for key in keys[:_MOST_KEYS])
        _log.warning("%s: prefetch keys that it does not publish: %s", service.id, named)


def _log_faults(decision: Decision) -> None:
    """Tell the operator of rules and facts that the code failed at: the others answer without them."""
    facts: dict[str, str] = {}
    for finding in decision.findings:
        if finding.outcome == "failed":
            _log.error("rule %s failed: %s", finding.rule, finding.reason)
        for name in decision.faults(finding):
            facts.setdefault(name, finding.rule)
    for name, rule in facts.items():
        _log.error("fact %s failed: rule %s, for one, goes without it", name, rule)


class _Stopwatch:
    """Milliseconds per stage, for the audit."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = round((now - self._last) * 1000, 3)
        self._last = now
