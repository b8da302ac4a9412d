"""From a coding in the record to the code sets it belongs to, in one look-up.

ICD-10-CM and ATC members match by prefix on the code without its dot, and only towards longer codes
(6.18 of reference A). Injury codes (S, T) whose seventh character is S are sequelae and never match
(reconciliation, "ICD-10-CM prefix").

Senders spell a system otherwise than R4 does: `https`, a slash at the end, the OID alone. That costs no
result (`spelling`). Which OID is which system's: https://hl7.org/fhir/R4/namingsystem-terminologies.html
and https://terminology.hl7.org/external_terminologies.html, in `terminology/systems.yaml`.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from cds_service.rulebase.concepts import CodeSet, Concept

_INJURY_LENGTH = 7  # characters without the dot, when the seventh is written
_SHORTEST_STEM, _LONGEST_STEM = 1, 7
_LEFT_OUT = re.compile(r"https?://(?:www\.)?|(?:urn:)?oid:")
_LONGEST_URI = 200  # characters; no system of the content is as long


class Match(msgspec.Struct, frozen=True):
    """A coding found in a code set."""

    set: str
    concept: Concept


class Terminology:
    """The code sets of a rule base, turned round for look-up by coding."""

    def __init__(self, code_sets: Iterable[CodeSet], systems: Iterable[tuple[str, ...]]) -> None:
        """Index every concept of every set by system and code; the first URI of a system counts."""
        code_sets = tuple(code_sets)
        self._names = {uri: uris[0] for uris in systems for uri in uris}
        self._spelt = {spelling(uri): name for uri, name in self._names.items()}
        self._exact: dict[tuple[str, str], tuple[Match, ...]] = {}
        self._stems: dict[tuple[str, str], tuple[Match, ...]] = {}
        for code_set in code_sets:
            for concept in code_set.concepts:
                match = Match(code_set.name, concept)
                if concept.prefix:
                    key = (concept.system, dotless(concept.code))
                    self._stems[key] = (*self._stems.get(key, ()), match)
                else:
                    key = (concept.system, concept.code)
                    self._exact[key] = (*self._exact.get(key, ()), match)
        # Sets in which some code tells or needs a leg; in others (a cancer) the side is of no interest.
        self.of_a_leg = frozenset(
            code_set.name
            for code_set in code_sets
            if any(one.side or one.needs_site for one in code_set.concepts)
        )
        self._prefixed = {system for system, _ in self._stems}
        self._cache: dict[tuple[str, str], tuple[Match, ...]] = {}

    def matches(self, system: str | None, code: str | None) -> tuple[Match, ...]:
        """Every code set that this coding is in, by the longest stem first: it knows the side."""
        if not code or not system:
            return ()
        key = (system, code)
        found = self._cache.get(key)
        if found is None:
            found = tuple(self._look_up(self.named(system), code.strip()))
            if len(self._cache) < 50_000:  # noqa: PLR2004 - codes are the caller's: bound it
                self._cache[key] = found
        return found

    def named(self, system: str) -> str:
        """The URI that content has for a code system, however that is spelt; an unknown one as it is."""
        return self._names.get(system) or self._spelt.get(spelling(system), system)

    def _look_up(self, system: str, code: str) -> Iterator[Match]:
        yield from self._exact.get((system, code), ())
        if system in self._prefixed:
            bare = dotless(code)
            if bare[:1] in "ST" and len(bare) >= _INJURY_LENGTH and bare[6] == "S":
                return
            for length in range(min(len(bare), _LONGEST_STEM), _SHORTEST_STEM - 1, -1):
                yield from self._stems.get((system, bare[:length]), ())


def spelling(uri: str) -> str:
    """A URI without what senders leave out or add: scheme, `www.`, capitals, blanks, the last slash."""
    if len(uri) > _LONGEST_URI:
        return uri
    text = uri.strip().casefold().rstrip("/")
    left_out = _LEFT_OUT.match(text)
    return text[left_out.end() :] if left_out else text


def dotless(code: str) -> str:
    """A code without its dot, in capitals."""
    return code.replace(".", "").upper()
