"""One hook request, read: strict on the envelope, before any resource is looked at."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.fhir import references
from cds_service.hooks import schemas
from cds_service.hooks.envelope import members, plain

NOW_EXTENSION = "org.heavylegs.now"
_LARGE = ("prefetch",)  # members whose values are resources: checked for shape by `prefetch`


class Question(msgspec.Struct, frozen=True):
    """What is being asked: everything about a request but the evidence."""

    service: str
    hook: str
    hook_instance: str
    patient: str
    user: str = ""
    encounter: str = ""
    selections: tuple[str, ...] = ()
    client: str = ""
    fhir_server: str = ""
    digest: str = ""

    @property
    def user_type(self) -> str:
        """The resource type of the user: Practitioner, PractitionerRole, Patient, RelatedPerson.

        Also where the reference is an absolute URL, which it should not be (requirement 69): read as
        "not a clinician", it would cost every card. Empty where it names no type.
        """
        return references.type_in(self.user)


class Authorization(msgspec.Struct, frozen=True):
    """The token for the FHIR server (requirements 21 to 23); its repr does not show it.

    Attributes:
        token: sent to that server alone, never kept or logged.
        lasts: seconds from the time the request was made.
        patient: the patient the token is limited to; empty where it is not.
    """

    token: str
    lasts: int
    patient: str = ""

    def __repr__(self) -> str:
        return "Authorization(…)"


class HookRequest(msgspec.Struct, frozen=True):
    """A checked envelope: the question, and the resources still unread."""

    question: Question
    prefetch: Mapping[str, msgspec.Raw]
    draft_orders: msgspec.Raw | None
    authorization: Authorization | None
    extension: Mapping[str, Any]


def parse(body: bytes, *, service: str, hook: str, client: str = "") -> HookRequest:
    """Check an envelope against the hook's schema and read the question out of it.

    Args:
        body: the request body as it arrived.
        service: the id in the URL.
        hook: the hook of that service.
        client: who calls, as the shell has established it.

    Raises:
        Failure: incorrect (400) naming the JSON path; forbidden (403) when the authorization is
            for another patient.
    """
    top = members(body, "the body")
    context_raw = members(bytes(top["context"]), "context") if _is_object(top, "context") else None
    prefetch = members(bytes(top["prefetch"]), "prefetch") if _is_object(top, "prefetch") else None
    stubbed = _stubbed(top, context_raw, prefetch)
    if isinstance(stubbed.get("hook"), str) and stubbed["hook"] != hook:
        # Before the context: it may be right for the other hook, and would be blamed.
        raise Failure(
            Kind.INCORRECT,
            f"this service is called at the hook {hook}",
            where="hook",
            todo=f"call the service of the other hook, or send hook {hook!r} with its context",
        )
    schemas.check(hook, stubbed)
    question = _question(stubbed, service, client, body)
    _same_patient(stubbed, question)
    assert context_raw is not None  # the schema has demanded an object
    return HookRequest(
        question=question,
        prefetch=prefetch or {},
        draft_orders=context_raw.get("draftOrders"),
        authorization=_authorization(stubbed),
        extension=stubbed.get("extension") or {},
    )


def _is_object(top: Mapping[str, msgspec.Raw], name: str) -> bool:
    return name in top and _opens(top[name])


def _opens(raw: msgspec.Raw) -> bool:
    return memoryview(raw)[0] == ord("{")  # not bytes(raw): it would copy a whole record


def _stubbed(
    top: Mapping[str, msgspec.Raw],
    context: Mapping[str, msgspec.Raw] | None,
    prefetch: Mapping[str, msgspec.Raw] | None,
) -> dict[str, Any]:
    """The envelope as plain values, with resources replaced by what the schema needs of them."""
    whole = {
        name: plain(bytes(raw), name)
        for name, raw in top.items()
        if name not in _LARGE and name != "context"
    }
    if prefetch is not None:
        whole["prefetch"] = {
            key: {} if _opens(raw) else plain(bytes(raw), f"prefetch.{key}")
            for key, raw in prefetch.items()
        }
    elif "prefetch" in top:
        whole["prefetch"] = plain(bytes(top["prefetch"]), "prefetch")
    if context is not None:
        whole["context"] = {
            name: _stub(raw, "context.draftOrders")
            if name == "draftOrders"
            else plain(bytes(raw), f"context.{name}")
            for name, raw in context.items()
        }
    elif "context" in top:
        whole["context"] = plain(bytes(top["context"]), "context")
    return whole


class _Kind(msgspec.Struct):
    resourceType: msgspec.Raw = msgspec.Raw()


_kind = msgspec.json.Decoder(_Kind)


def _stub(raw: msgspec.Raw, where: str) -> Any:
    text = bytes(raw).lstrip()
    if text[:1] != b"{":
        return plain(text, where)
    try:
        kind = _kind.decode(text).resourceType
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(Kind.INCORRECT, "is not JSON", where=where) from error
    return {"resourceType": plain(bytes(kind), f"{where}.resourceType")}


def _question(envelope: Mapping[str, Any], service: str, client: str, body: bytes) -> Question:
    context = envelope["context"]
    return Question(
        service=service,
        hook=envelope["hook"],
        hook_instance=envelope["hookInstance"],
        patient=context["patientId"],
        user=context.get("userId", ""),
        encounter=context.get("encounterId", ""),
        selections=tuple(context.get("selections", ())),
        client=client,
        fhir_server=envelope.get("fhirServer", ""),
        digest=sha256(body).hexdigest(),
    )


def _authorization(envelope: Mapping[str, Any]) -> Authorization | None:
    given = envelope.get("fhirAuthorization")
    if given is None:
        return None
    return Authorization(given["access_token"], given["expires_in"], given.get("patient", ""))


def _same_patient(envelope: Mapping[str, Any], question: Question) -> None:
    allowed = (envelope.get("fhirAuthorization") or {}).get("patient")
    if allowed is not None and allowed != question.patient:
        raise Failure(
            Kind.FORBIDDEN,
            "the authorization is for another patient than the context",
            where="fhirAuthorization.patient",
            todo="send the token of the patient in context.patientId",
        )
