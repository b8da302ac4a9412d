"""deploy/nginx.conf as it stands, in a real nginx, in front of the running service.

Only places are changed in it: where the service listens, the port, the folders. nginx runs as the
compose file starts it and without privileges, with a certificate from deploy/first_start.py.
"""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import yaml

from tests.conformance.calls import HOOKS, NAME, address, request
from tests.integration.conftest import Server, Start, free_port
from tests.integration.proxy import BODY, CHECKOUT, JSON, Begin, Proxy, starter

pytestmark = [pytest.mark.nginx, pytest.mark.server]
LIMIT = 16 * 1024 * 1024


@pytest.fixture(scope="module")
def begin() -> Iterator[Begin]:
    """Return a starter of proxies in front of a port of this machine."""
    with starter() as found:
        yield found


@pytest.fixture(scope="module")
def proxied(begin: Begin, start: Start) -> Proxy:
    """The service as docker-compose.yml starts it, with the proxy before it."""
    return begin(start("--workers", "1", CDS_THREADS="4", CDS_AUTH="off").port)


@pytest.fixture(scope="module")
def alone(begin: Begin) -> Proxy:
    """A proxy with nobody behind it."""
    return begin(free_port())


class Listener:
    """A stand-in for the service that notes what is passed on, and when."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connected = threading.Event()
        self.heard = b""
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        connection, _ = self._socket.accept()
        self.connected.set()
        with connection:
            connection.settimeout(5)
            with suppress(TimeoutError):
                while not self.heard.endswith(BODY):
                    self.heard += connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


# --- TLS, health, calls --------------------------------------------------------------------------


def test_a_call_goes_through_with_a_certificate_that_is_checked(proxied: Proxy) -> None:
    (card,) = proxied.good()
    assert "2.4 mmol/L" in card["summary"]
    assert proxied.call("GET", "/cds-services")[0] == 200


def test_it_runs_without_privileges(proxied: Proxy) -> None:
    status = Path(f"/proc/{proxied.process.pid}/status").read_text()
    ids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert "0" not in ids


def test_a_client_that_was_not_given_the_certificate_refuses_it(proxied: Proxy) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        http.client.HTTPSConnection("localhost", proxied.port, timeout=5).connect()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of asking for an old version, on purpose
def test_old_tls_and_no_tls_are_refused(proxied: Proxy) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        http.client.HTTPSConnection("localhost", proxied.port, timeout=5, context=old).connect()
    plain = http.client.HTTPConnection("localhost", proxied.port, timeout=5)
    plain.request("GET", "/cds-services")
    refused = plain.getresponse()
    assert (refused.status, json.load(refused)["resourceType"]) == (400, "OperationOutcome")
    plain.close()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_health_of_the_service_is_seen_through_it(proxied: Proxy, path: str) -> None:
    assert proxied.call("GET", path)[0] == 200


def test_one_connection_carries_many_calls(proxied: Proxy) -> None:
    connection = proxied.connection()
    for _ in range(20):
        connection.request("POST", address(), BODY, JSON)
        answer = connection.getresponse()
        assert answer.status == 200
        assert not answer.will_close
        assert json.loads(answer.read())["cards"]
    connection.close()


def test_a_call_after_a_pause_finds_no_connection_that_the_service_has_closed(proxied: Proxy) -> None:
    assert proxied.good()
    time.sleep(5.2)  # the service lets go of a silent connection after 5 s
    assert proxied.good()


def test_errors_and_preflights_of_the_service_pass_as_they_are(proxied: Proxy) -> None:
    for method, path, body, status in (
        ("POST", address(), b"{", 400),
        ("POST", "/cds-services/unheard-of", BODY, 404),
        ("DELETE", "/cds-services", None, 405),
        ("POST", address(), json.dumps(request(prefetch={"conditions": ...})).encode(), 412),
    ):
        found, outcome, headers = proxied.call(
            method, path, body, {**JSON, "Origin": "https://x.example"}
        )
        assert (found, outcome["resourceType"]) == (status, "OperationOutcome")
        assert headers["Access-Control-Allow-Origin"] == "*"
    asking = {
        "Origin": "https://x.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    found, _, headers = proxied.call("OPTIONS", address(), None, asking)
    assert found in (200, 204)
    assert "authorization" in headers["Access-Control-Allow-Headers"].lower()


# --- buffering -----------------------------------------------------------------------------------

HEAD = (
    f"POST {address()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"X-Forwarded-For: 203.0.113.7\r\nAuthorization: Bearer a.b.c\r\n"
).encode()
SIZED = HEAD + f"Content-Length: {len(BODY)}\r\n\r\n".encode()


def test_nothing_is_passed_on_before_all_of_it_has_come(begin: Begin, listener: Listener) -> None:
    with begin(listener.port).raw() as slow:
        slow.sendall(SIZED + BODY[:200])
        assert not listener.connected.wait(1)
        slow.sendall(BODY[200:])
        assert listener.connected.wait(5)
        assert slow.recv(12) == b"HTTP/1.1 200"
    assert listener.heard.endswith(BODY)


def test_a_chunked_body_arrives_whole_with_its_length(begin: Begin, listener: Listener) -> None:
    with begin(listener.port).raw() as client:
        chunk = f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n"
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        assert client.recv(12) == b"HTTP/1.1 200"
    head = listener.heard.partition(b"\r\n\r\n")[0].lower()
    assert f"content-length: {len(BODY)}".encode() in head
    assert b"transfer-encoding" not in head
    assert b"authorization: bearer a.b.c" in head


def test_the_caller_is_who_it_is_and_not_who_it_says(begin: Begin, listener: Listener) -> None:
    with begin(listener.port).raw() as client:
        client.sendall(SIZED + BODY)
        assert client.recv(12) == b"HTTP/1.1 200"
    assert b"x-forwarded-for: 127.0.0.1\r\n" in listener.heard.lower()
    assert b"203.0.113.7" not in listener.heard


def test_sixteen_that_stall_halfway_stop_nobody_and_are_let_go(proxied: Proxy) -> None:
    with ExitStack() as held:
        stalled = [held.enter_context(proxied.raw()) for _ in range(16)]
        for one in stalled:
            one.sendall(SIZED + BODY[: len(BODY) // 2])
        begun = time.monotonic()
        time.sleep(0.2)
        for _ in range(10):
            each = time.monotonic()
            assert proxied.good()
            assert proxied.call("GET", "/cds-services")[0] == 200
            assert time.monotonic() - each < 2
        assert time.monotonic() - begun < 10, "all answered while they stalled"
        for one in stalled:
            with suppress(ConnectionResetError):  # reset: it is meant
                assert one.recv(1) == b""
        assert time.monotonic() - begun < 18


# --- limits --------------------------------------------------------------------------------------


def test_the_limit_is_the_services_own_to_the_byte(proxied: Proxy) -> None:
    assert proxied.call("POST", address(), BODY.ljust(LIMIT), JSON)[0] == 200
    status, outcome, headers = proxied.call("POST", address(), BODY.ljust(LIMIT + 1), JSON)
    assert (status, outcome["issue"][0]["code"]) == (413, "too-long")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers.get_content_type() == "application/json"


def test_17_megabytes_are_too_many_also_without_a_length(proxied: Proxy) -> None:
    with proxied.raw() as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        with suppress(ConnectionError, ssl.SSLError):
            for _ in range(17):
                client.sendall(chunk)
        assert client.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"this is not HTTP\r\n\r\n", 400),
        (b"GET /cds-services HTTP/1.1\r\n\r\n", 400),
        (b"GET /cds-services HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * 10_000), 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n" % (b"x" * 10_000), 400),
        (HEAD + b"Transfer-Encoding: br\r\n\r\n", 501),
    ],
    ids=["no HTTP", "no host", "version", "address", "header", "transfer coding"],
)
def test_what_is_not_passed_on_is_refused_in_the_form_of_errors(
    proxied: Proxy, head: bytes, status: int
) -> None:
    with proxied.raw() as client:
        client.sendall(head)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        outcome = json.load(answer)
    assert (answer.status, outcome["issue"][0]["code"]) == (status, "invalid")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers.get_content_type() == "application/json"


def test_a_flood_is_slowed_down_and_told_so(alone: Proxy) -> None:
    with alone.raw() as client:
        client.settimeout(20)
        client.sendall(b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500)
        heard = b""
        while heard.count(b"HTTP/1.1 ") < 500 or not heard.endswith(b"}]}"):
            heard += client.recv(65_536)
    away, many = heard.count(b"HTTP/1.1 503"), heard.count(b"HTTP/1.1 429")
    assert away + many == 500
    assert 200 <= away < 500
    assert b'"code":"throttled"' in heard
    assert b"Retry-After: 1" in heard


def test_a_service_that_is_away_is_said_in_the_form_of_its_errors(alone: Proxy) -> None:
    status, outcome, headers = alone.call("POST", address(), BODY, JSON)
    assert (status, outcome["issue"][0]["code"]) == (503, "transient")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Retry-After"] == "5"


# --- what is written down ------------------------------------------------------------------------


def test_the_log_counts_calls_and_holds_nothing_of_a_patient(proxied: Proxy, alone: Proxy) -> None:
    for one in (proxied, alone):
        for hook in HOOKS:
            one.call("POST", address(hook), BODY, JSON)
        one.call("POST", f"{address()}?patient={NAME}", BODY, {**JSON, "Referer": f"https://x/{NAME}"})
        one.call("GET", f"/{NAME}", None, {"User-Agent": NAME, "Cookie": NAME})
        one.call("GET", f"/cds-services/{NAME}")
        one.call("POST", f"/cds-services/heavy-legs-{NAME.lower()}", b"{")
        with one.raw() as client:
            client.sendall(f"GET /{NAME} HTTP/9.9\r\nHost: {NAME}\r\n\r\n".encode())
            assert client.recv(12) == b"HTTP/1.1 505"
        with one.raw() as client:
            client.sendall(f"{NAME}\r\n\r\n".encode())
            client.recv(12)
    time.sleep(0.2)
    assert f"POST {address()} 200 " in proxied.log()
    assert f"POST {address()} 503 " in alone.log()
    for one in (proxied, alone):
        assert "GET (other) " in one.log()
        for secret in (NAME, NAME.lower(), "Q7xk", "1955-03-04", request()["hookInstance"]):
            assert secret not in one.log()


def test_where_the_service_listens_is_the_port_of_the_image(server: Server) -> None:
    # The name and port that are replaced above are those of the compose file's own network.
    assert server.port
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    assert "cds" in compose["services"]
    assert "EXPOSE 8080" in (CHECKOUT / "Dockerfile").read_text()
    [published] = compose["services"]["proxy"]["ports"]
    assert published == "127.0.0.1:8443:8443"
