"""An installed service at work: its cases, and one call over HTTP."""

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from scripts.package.environments import StepFailed, plain, run

PATIENT, HOOK = "k-2-4", "patient-view"
STARTS_WITHIN = 30.0  # seconds; it takes about one
STOPS_WITHIN = 25.0  # more than gunicorn's own 20

Card = Mapping[str, Any]


def try_out(programs: Path, where: Path) -> str:
    """Run the cases, and make one hook call, in the folder `where`; return what came of it.

    Raises:
        StepFailed: when a case differs, the service does not start, or there is no card.
    """
    checked = run([programs / "cds-service", "rules", "check"], where).strip()
    tested = run([programs / "cds-service", "rules", "test"], where).strip()
    with serving(programs, where, "--demo") as port:
        cards = cards_for(port, call(port, f"/demo/requests/{PATIENT}/{HOOK}"))
    if not cards:
        raise StepFailed(f"no card for the patient {PATIENT}")
    return "\n".join([checked, tested, *map(told, cards)])


@contextmanager
def serving(programs: Path, where: Path, *options: str) -> Iterator[int]:
    """Run `cds-service serve` in the folder `where`, on a free loopback port, which is handed out."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    printed = where / "output.txt"
    with printed.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the program that was just installed
            [str(programs / "cds-service"), "serve", "--port", str(port), *options],
            cwd=where,
            env=plain(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        if not _answers(process, port):
            raise StepFailed(f"the service did not start:\n{printed.read_text('utf-8')}")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            call(port, "/cds-services")
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


def call(port: int, path: str, body: Any = None) -> Any:
    """GET `path`, or POST `body` to it as JSON; return the JSON of the answer.

    Raises:
        StepFailed: when the status is another than 200.
        OSError: when nobody listens.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request("POST" if sent else "GET", path, sent, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        raw = answer.read()
    finally:
        connection.close()
    if answer.status != HTTPStatus.OK:
        raise StepFailed(f"{path}: status {answer.status}\n{raw.decode()}")
    return json.loads(raw)


def cards_for(port: int, request: Mapping[str, Any]) -> list[Card]:
    """POST a hook request to the service of its hook; return the cards."""
    services = call(port, "/cds-services")["services"]
    service = next(one["id"] for one in services if one["hook"] == request["hook"])
    cards: list[Card] = call(port, f"/cds-services/{service}", request)["cards"]
    return cards


def told(card: Card) -> str:
    """Return a card as a few lines for the terminal."""
    offers = [f"  [{suggestion['label']}]" for suggestion in card.get("suggestions", ())]
    return "\n".join([f"{card['indicator'].upper()}  {card['summary']}", *offers])
