"""CORS: who may call from a browser, said on every response, errors and preflights included.

The public sandbox needs Allow-Headers to name Authorization and Content-Type: `*` does not cover
Authorization (requirement 72). No cookies are used, so `*` is a safe origin.
"""

from flask import Flask, Response, request

_HEADERS = "Authorization, Content-Type"
_METHODS = "GET, POST, OPTIONS"
_MAX_AGE = "600"  # seconds


def register(app: Flask, origins: tuple[str, ...]) -> None:
    """Answer every preflight, and add the headers to every response of the application."""

    @app.before_request
    def _preflight() -> Response | None:
        # Also where there is nothing: a page whose preflight gets a 404 sees a CORS fault, and never
        # the answer that would tell it what is wrong with its address.
        asked = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=200) if asked else None

    @app.after_request
    def _allow(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if "*" in origins:
            response.headers["Access-Control-Allow-Origin"] = "*"
        else:
            response.headers.add("Vary", "Origin")  # also without one: a cache may give it to a browser
            if origin is None or origin not in origins:
                return response
            response.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Headers"] = _HEADERS
            response.headers["Access-Control-Allow-Methods"] = _METHODS
            response.headers["Access-Control-Max-Age"] = _MAX_AGE
        return response
