"""CORS: who may call from a browser, said on every response, errors and preflights included.

A preflight has no token, so it passes for an origin of any client; an answer may be read by a page of
the origins of the client that asked, and those of the settings. Allow-Headers names Authorization and
Content-Type, as the public sandbox needs: `*` does not cover Authorization (requirement 72). No cookies
are used: a page has no rights but those of the token that it holds.
"""

from collections.abc import Collection

from flask import Flask, Response, request

from cds_service.invocation import Runtime
from cds_service.web import callers

_HEADERS = "Authorization, Content-Type"
_METHODS = "GET, POST, OPTIONS"
_MAX_AGE = "600"  # seconds
_EXPOSED = "Retry-After"  # beyond what any page may read


def register(app: Flask, runtime: Runtime) -> None:
    """Answer every preflight, and add the headers to every response of the application."""

    @app.before_request
    def _preflight() -> Response | None:
        # Also where there is nothing: a page whose preflight gets a 404 sees a CORS fault, and never
        # the answer that would tell it what is wrong with its address.
        asked = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=200) if asked else None

    @app.after_request
    def _allow(response: Response) -> Response:
        if request.blueprint == "health":
            return response
        allowed = _origins(runtime)
        origin = request.headers.get("Origin")
        if "*" in allowed:
            response.headers["Access-Control-Allow-Origin"] = "*"
        else:
            response.headers.add("Vary", "Origin")  # also without one: a cache may give it to a browser
            if origin is None or origin not in allowed:
                return response
            response.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Headers"] = _HEADERS
            response.headers["Access-Control-Allow-Methods"] = _METHODS
            response.headers["Access-Control-Max-Age"] = _MAX_AGE
        else:
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        return response


def _origins(runtime: Runtime) -> Collection[str]:
    """The origins that may read this response."""
    general = _general(runtime)
    known = callers.known()
    if known is not None:
        return {*general, *known.client.origins}
    # Nobody has asked yet, or has not proved who it is: a page must be able to read that it may not.
    return {*general, *(origin for one in runtime.clients.everybody for origin in one.origins)}


def _general(runtime: Runtime) -> Collection[str]:
    """The origins for which nobody in particular need have asked.

    What is open by itself is not where calls without a token have us ask a FHIR server: any page in a
    browser on this machine could name a patient there, and read of it what the cards say.
    """
    anonymous = runtime.clients.anonymous
    if runtime.settings.origins is None and anonymous is not None and anonymous.fhir_servers:
        return ()
    return runtime.settings.open_to
