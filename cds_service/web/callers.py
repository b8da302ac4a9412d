"""Who makes the call that is being answered."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
from flask import g, has_request_context, request

from cds_service.clients.authentication import NONE, STRANGERS, WITHOUT, unproven
from cds_service.clients.model import Caller
from cds_service.clients.token_reasons import TokenReason
from cds_service.environment import loopback
from cds_service.invocation import PLAYGROUND, Runtime

# What proxies add, and no client by itself (RFC 7239; RFC 9110 7.6.3); and all that begins so.
_FORWARDED = frozenset({"forwarded", "x-real-ip", "via"})
_FORWARDED_ANY = "x-forwarded-"
# A container's name for the machine that it runs on.
_FROM_CONTAINER = "host.docker.internal"


def known() -> Caller | None:
    """Who makes the present call; None while that is not established."""
    found: Caller | None = g.get("caller") if has_request_context() else None
    return found


def caller(runtime: Runtime) -> Caller:
    """The caller of this request to a service or its feedback.

    Raises:
        Failure: unauthenticated, without a word on why; unavailable when nobody can tell.
    """
    g.caller = found = _established(runtime)
    return found


def _established(runtime: Runtime) -> Caller:
    client = runtime.clients.anonymous
    proven = _proven(runtime, STRANGERS if client else NONE)
    if proven is not None:
        return proven
    if client is None:
        raise unproven()
    if _from_elsewhere(runtime):
        runtime.authentication.refusals.add(TokenReason.FORWARDED, "")
        raise unproven()
    # Only where the page is served: elsewhere no caller may have its calls counted as play.
    if runtime.settings.demo and request.headers.get("X-Heavy-Legs-Page"):
        page = msgspec.structs.replace(client, name=runtime.page)
        return Caller(page, marks=(PLAYGROUND,))
    return Caller(client)


def _from_elsewhere(runtime: Runtime) -> bool:
    """Whether a call for which nobody has switched authentication off comes from another machine.

    It is off by itself where the service listens to this machine alone. A proxy on the same machine
    makes that everybody. And so does a name that is not this machine's: a page of the internet can have
    its own name lead here, and its browser then takes our answers for the page's own (DNS rebinding).
    """
    if runtime.settings.auth:
        return False
    names = (name.lower() for name, _ in request.headers)
    if any(name in _FORWARDED or name.startswith(_FORWARDED_ANY) for name in names):
        return True
    host = request.headers.get("Host", "")  # a browser always sends it, and one
    return bool(host) and not _is_this_machine(host)


def _is_this_machine(host: str) -> bool:
    """Whether a Host header, with a port or without, names the machine that the caller sits at."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return loopback(name) or name.endswith(".localhost") or name == _FROM_CONTAINER


def reader(runtime: Runtime) -> Caller | None:
    """Who reads discovery; None where that is nobody in particular, and need not be anybody.

    Raises:
        Failure: as for `caller`.
    """
    if runtime.clients.anonymous is not None:
        return caller(runtime)
    g.caller = found = _proven(runtime, NONE if runtime.settings.auth_discovery else WITHOUT)
    return found


def _proven(runtime: Runtime, passes: frozenset[TokenReason]) -> Caller | None:
    return runtime.authentication.caller(
        runtime.clients,
        request.headers.get("Authorization"),
        request.path,
        datetime.now(UTC).timestamp(),
        passes=passes,
    )
