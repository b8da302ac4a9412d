"""One page of a search: its entries, where the next one is, and several of them as one Bundle."""

from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

import msgspec

from cds_service.ehr.absent import AbsentError
from cds_service.ehr.allowlist import unclear
from cds_service.fhir.absence import Absence

_NO_MATCH = ("include", "outcome")


class _Search(msgspec.Struct, frozen=True, gc=False):
    mode: str | None = None


class _Entry(msgspec.Struct, frozen=True):
    fullUrl: str | None = None  # noqa: N815 - FHIR's name
    search: _Search | None = None


class _Link(msgspec.Struct, frozen=True, gc=False):
    relation: str | None = None
    url: str | None = None


class _Bundle(msgspec.Struct, frozen=True):
    resourceType: str  # noqa: N815 - FHIR's name
    entry: tuple[msgspec.Raw, ...] = ()
    link: tuple[_Link, ...] = ()
    total: msgspec.Raw = msgspec.Raw()


_bundle = msgspec.json.Decoder(_Bundle)
_entry = msgspec.json.Decoder(_Entry)
_UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Page(msgspec.Struct, frozen=True):
    """What one address answered.

    Attributes:
        raw: as it came.
        is_bundle: and not another resource, or nothing that can be read.
        entries: what tells an entry apart (`fullUrl`, empty where there is none), and the entry unread.
        matches: `fullUrl` of those that the search found; `include` and `outcome` entries are none.
        next: the address of the next page, as the server writes it; empty on the last one.
        total: as the server gives it.
    """

    raw: bytes
    is_bundle: bool = False
    entries: tuple[tuple[str, msgspec.Raw], ...] = ()
    matches: tuple[str, ...] = ()
    next: str = ""
    total: bytes = b""


def read(raw: bytes) -> Page:
    """A page of a body; never raises."""
    try:
        bundle = _bundle.decode(raw)
    except _UNDECODABLE:
        return Page(raw)
    if bundle.resourceType != "Bundle":
        return Page(raw)
    read_entries = [(_read_entry(one), one) for one in bundle.entry]
    return Page(
        raw,
        is_bundle=True,
        entries=tuple((one.fullUrl or "", entry) for one, entry in read_entries),
        matches=tuple(
            one.fullUrl or ""
            for one, _ in read_entries
            if one.search is None or one.search.mode not in _NO_MATCH
        ),
        next=next((one.url or "" for one in bundle.link if one.relation == "next"), ""),
        total=bytes(bundle.total),
    )


def _read_entry(raw: msgspec.Raw) -> _Entry:
    try:
        return _entry.decode(raw)
    except _UNDECODABLE:
        return _Entry()


def address(link: str, current: str, base: str) -> str:
    """Where a next page is, on the base that was asked.

    Only path and query of the link count: behind a proxy a server may name another scheme, host or port,
    and the token never goes to another host, nor down to `http`.

    Args:
        link: as the server writes it.
        current: the address it stood at.
        base: of the server that was asked, in normal form.

    Raises:
        AbsentError: the link does not lead below the base.
    """
    try:
        there, origin = urlsplit(urljoin(current, link)), urlsplit(base)
    except ValueError as error:
        raise AbsentError(Absence.PAGE_ELSEWHERE) from error
    below = there.path == origin.path or there.path.startswith(f"{origin.path}/")
    if not below or unclear(there.path) or there.scheme not in ("http", "https"):
        raise AbsentError(Absence.PAGE_ELSEWHERE)
    query = f"?{there.query}" if there.query else ""
    return f"{origin.scheme}://{origin.netloc}{there.path}{query}"


def together(pages: Iterable[Page]) -> bytes:
    """The entries of several pages in one Bundle, those that stand on two of them once.

    An entry moves to the next page when another is added before it while they are read.
    """
    seen: set[str] = set()
    kept: list[bytes] = []
    total = b""
    for page in pages:
        total = total or page.total
        for url, entry in page.entries:
            if url and url in seen:
                continue
            seen.add(url)
            kept.append(bytes(entry))
    head = b'{"resourceType":"Bundle","type":"searchset",'
    head += b'"total":' + total + b"," if total else b""
    return head + b'"entry":[' + b",".join(kept) + b"]}"
