"""One address, however its slashes are written.

Whoever gives a client the discovery address with a last slash has it call `/cds-services//<id>`: the
sandbox joins the two as they are. A redirect would not do: a preflight must not be redirected, many
clients do not send a POST a second time, and the sandbox shows either as "no cards" (requirement 71).
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_SLASHES = re.compile(r"/{2,}")


def register(app: Flask) -> None:
    """Have the application see every path with single slashes and none at the end."""
    inner: WSGIApplication = app.wsgi_app

    def normal(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = _SLASHES.sub("/", environ.get("PATH_INFO", ""))
        environ["PATH_INFO"] = path.rstrip("/") or "/"
        return inner(environ, start_response)

    app.wsgi_app = normal  # type: ignore[method-assign]
