"""What serving costs by itself: a Flask route that takes the body and answers `{}`.

`python -m tests.benchmarks.empty PORT`; under the same gunicorn, with as many processes and threads, as
`cds-service serve`.
"""

import gc
import sys

from flask import Flask, Response, request

from cds_service.cli.serve import Server
from cds_service.settings import Settings

app = Flask(__name__, static_folder=None)


@app.get("/cds-services")
def ready() -> Response:
    """Say that it is up."""
    return Response(b"{}", mimetype="application/json")


@app.post("/cds-services/<service>")
def take(service: str) -> Response:  # noqa: ARG001 - the route's
    """Take the body, do nothing with it."""
    request.get_data(cache=False)
    return Response(b"{}", mimetype="application/json")


if __name__ == "__main__":
    gc.freeze()
    Server(app, Settings(port=int(sys.argv[1]))).run()
