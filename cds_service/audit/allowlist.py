"""What may be kept of what a client or a record said: known shapes and our own words, nothing else.

Everything that is not clearly harmless becomes a keyed hash, marked `~`: two equal ones are still
seen to be equal, and the secret's owner can still test a guess.
"""

import re
from collections.abc import Collection, Iterator
from datetime import UTC
from functools import cache
from typing import Any

import msgspec

from cds_service.audit.secret import Secret
from cds_service.facts.model import NOTES
from cds_service.fhir import dates, decoding, references
from cds_service.fhir.absence import Absence
from cds_service.fhir.resources import AnyResource
from cds_service.hooks import schemas
from cds_service.hooks.request import Question
from cds_service.rulebase.model import RuleBase

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:|-]{0,99}")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")  # FHIR R4 id
_URN = re.compile(r"urn:(?:uuid:[0-9a-fA-F-]{36}|oid:[0-9.]{3,80})")
_URI = re.compile(r"https?://[A-Za-z0-9._~:/#%-]{1,200}")
_UUID = re.compile(r"(?:urn:uuid:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"(?:<=?|>=?|ad)?[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?")
_AGE = re.compile(r"age \d{1,3}")  # our own words for an onset given as an age
_MOST_SEGMENTS = 12
_REASONS = frozenset(Absence)
_DROPPED = re.compile(r"\d{1,6} dropped")
_LONG_ENOUGH = 4  # a shorter id is inside too many others by chance
_USERS = frozenset({"Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Device"})


class Allowlist(msgspec.Struct, frozen=True):
    """The secret, the units that content declares, and the prefetch keys that services name."""

    secret: Secret
    units: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rule_base: RuleBase, secret: Secret) -> "Allowlist":
        """The allowlist of a rule base."""
        declared = (unit for one in rule_base.analytes.values() for unit in one.units.values())
        units = frozenset(text for unit in declared for text in (unit.code, *unit.spellings))
        keys = frozenset(key for one in rule_base.services.values() for key in one.prefetch)
        return cls(secret, units, keys | {"draftOrders"})

    def patient(self, question: Question) -> str:
        """The keyed hash of the patient, for this client and FHIR server."""
        return self._identity("patient", question, question.patient.removeprefix("Patient/"))

    def user(self, question: Question) -> str:
        """The keyed hash of the user; empty when none is named."""
        return self._identity("user", question, question.user)

    def encounter(self, question: Question) -> str:
        """The keyed hash of the encounter; empty when there is none."""
        return self._identity("encounter", question, question.encounter)

    def _identity(self, kind: str, question: Question, identity: str) -> str:
        if not identity:
            return ""
        base = question.fhir_server.rstrip("/")
        return self.secret.keyed(kind, question.client, base, identity)

    def hidden(self, text: str) -> str:
        """A keyed hash in place of a text that is not kept."""
        return "~" + self.secret.keyed("text", text)[:16] if text else ""

    def token(self, text: str) -> str:
        """A word of ours or of the client's entry: kept when it has the shape of one."""
        return text if _TOKEN.fullmatch(text) else self.hidden(text)

    def uuid(self, text: str) -> str:
        """A client's number for a call or a card: kept when it is a UUID, which names nobody."""
        return text if _UUID.fullmatch(text) else self.hidden(text)

    def known(self, text: str, known: Collection[str]) -> str:
        """A code of the client's: kept when it is one that is known here."""
        return text if text in known else self.hidden(text)

    def client(self, name: str) -> str:
        """Who calls: a client of ours, and after `/` its tenant, which a token has named."""
        known, slash, tenant = name.partition("/")
        return f"{self.token(known)}{slash}{self.token(tenant)}"

    def uri(self, text: str) -> str:
        """A code system: kept when it is a URL without a query, or the URN of a UUID or an OID."""
        return text if _URI.fullmatch(text) or _URN.fullmatch(text) else self.hidden(text)

    def user_type(self, question: Question) -> str:
        """The resource type of the user, one of those a hook may name."""
        kind = question.user_type
        return kind if kind in _USERS else ("other" if kind else "")

    def value(self, text: str) -> str:
        """A number as it was reported; nothing else is a value."""
        return text if _NUMBER.fullmatch(text) else ""

    def unit(self, text: str) -> str:
        """A unit that content declares; another may be anything, even a name."""
        return text if text in self.units or not text else "not-declared"

    def date(self, span: dates.Span | None) -> str:
        """A date as it was written."""
        if span is None:
            return ""
        # What can be read as a date holds nothing but digits and `T:.+-Z`.
        written = span.text.removeprefix(dates.REPORTED)
        dated = dates.parse(written, UTC) is not None or _AGE.fullmatch(written)
        return span.text if dated else ""

    def notes(self, notes: tuple[str, ...]) -> tuple[str, ...]:
        """The remarks that we make ourselves."""
        return tuple(one for one in notes if one in NOTES)

    def reference(self, ref: str, question: Question) -> str:
        """A reference, `Type/id`; an id that tells who the patient, user or encounter is, is hidden."""
        if _URN.fullmatch(ref):
            return ref
        key, _, number = ref.partition("#")
        if key in self.keys and number.isdigit():
            return ref
        kind, _, identity = ref.partition("/")
        if kind not in decoding.KNOWN:
            return self.hidden(ref)
        if not _ID.fullmatch(identity) or self._tells(identity, question):
            return f"{kind}/{self.hidden(ref)}"
        return ref

    def _tells(self, identity: str, question: Question) -> bool:
        for known in (question.patient, question.user, question.encounter):
            told = references.last_segment(known) if known else ""
            if told and (identity == told or (len(told) >= _LONG_ENOUGH and told in identity)):
                return True
        return False

    def undelivered(self, what: str, question: Question) -> str:
        """What did not arrive: a prefetch key, a reference, or a key and a type."""
        key, _, kind = what.partition(": ")
        if key in self.keys and (not kind or kind in decoding.KNOWN):
            return what
        return self.reference(what, question)

    def reason(self, why: str) -> str:
        """Why something did not arrive: one of our own words, with a number or elements of FHIR."""
        word, _, more = why.partition(": ")
        named = not more or _DROPPED.fullmatch(more) or _elements().issuperset(more.split(", "))
        return why if word in _REASONS and named else self.hidden(why)

    def path(self, where: str) -> str:
        """The path of a failure: the protocol's names; a name that the client made up is hidden."""
        kept = (
            part if part in self.keys or part in _names() or part.isdigit() else self.hidden(part)
            for part in where.split(".")[:_MOST_SEGMENTS]
        )
        return ".".join(kept)


@cache
def _elements() -> frozenset[str]:
    """Every element that is read of some resource."""
    return frozenset(name for kind in AnyResource.__args__ for name in kind.__struct_fields__)


@cache
def _names() -> frozenset[str]:
    """Every member that the schemas of the protocol's bodies name, and our own words for a place."""
    found = {"the body", "Content-Encoding", "Content-Type", "org", "heavylegs", "now"}
    for name in schemas.NAMES:
        found |= set(_members(schemas.schema(name)))
    return frozenset(found)


def _members(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for inner in schema.values():
            yield from _members(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _members(inner)
