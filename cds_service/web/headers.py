"""What every response says of itself: an answer about a patient is kept nowhere on its way."""

from flask import Flask, Response


def register(app: Flask) -> None:
    """Add the headers; the page has said its own by then."""

    @app.after_request
    def _guard(response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response
