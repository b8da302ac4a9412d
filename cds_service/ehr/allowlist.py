"""Which FHIR server may be asked: the one of the request, if it is one of the client's (requirement 23).

A base URL is compared as a whole: scheme, host, port and path. What could be read in two ways by two
programs is refused: user information, a query, a fragment, dot segments, encoded slashes or dots,
backslashes, anything but printable ASCII.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from cds_service.clients.model import FhirServer
from cds_service.ehr.addresses import PORTS

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")
_UNCLEAR = re.compile(r"[^!-~]|[\\<>\"^`{|}#?@]|%2f|%5c|%2e|%00|(?:^|/)\.{1,2}(?:/|$)|//", re.IGNORECASE)
_LONGEST = 2048


def normalised(url: str) -> str | None:
    """A base URL in the form in which it is compared; None when it cannot be one.

    Scheme and host in small letters, without the scheme's own port, without a last slash.
    """
    scheme, colon, rest = url.partition("://")
    if not colon or len(url) > _LONGEST or scheme.lower() not in PORTS:
        return None
    path = rest[rest.index("/") :].rstrip("/") if "/" in rest else ""
    if unclear(path) or _UNCLEAR.search(rest.partition("/")[0]):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not _HOST.fullmatch(host) or port == 0:
        return None
    named = f"[{host}]" if ":" in host else host
    shown = "" if port in (None, PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{named}{shown}{path}"


def unclear(path: str) -> bool:
    """Whether a path could mean another place to another program."""
    return _UNCLEAR.search(path) is not None


def allowed(url: str, servers: Iterable[FhirServer]) -> FhirServer | None:
    """The client's own entry for the FHIR server of a request, its base in normal form.

    None when there is no such entry, or when it is `http` and the entry does not say that it may be.
    """
    asked = normalised(url)
    for server in servers:
        base = normalised(server.base)
        if asked is None or base != asked:
            continue
        if base.startswith("https://") or server.plain_http:
            return FhirServer(base, plain_http=server.plain_http, private=server.private)
    return None
