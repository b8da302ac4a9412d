"""Code sets and their members."""

from typing import Literal

import msgspec

Sidedness = Literal["left", "right", "both"]


class Concept(msgspec.Struct, frozen=True):
    """One member of a code set.

    `prefix` matches longer codes too (ICD-10-CM, ATC). `side` is the side the code itself says.
    `needs_site` names a code set one of whose members must be the body site. `plain` is what a card
    calls it where the record has only the official title. `ordered` is a client's own code for an order:
    it names what is ordered, done or reported, and never what the value of an Observation means.
    """

    system: str
    code: str
    display: str
    prefix: bool = False
    side: Sidedness | None = None
    needs_site: str = ""
    plain: str = ""
    ordered: bool = False


class CodeSet(msgspec.Struct, frozen=True):
    """A named set of codes, with where it came from."""

    name: str
    title: str
    source: str
    licence: str
    concepts: tuple[Concept, ...]
