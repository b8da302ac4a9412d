"""Key sets over real connections: what is taken, and what every careless or hostile server gets."""

import gzip
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_service.clients.model import KeyAddress
from cds_service.clients.tokens import Unreachable
from cds_service.ehr.key_sets import LARGEST, fetcher
from cds_service.failures import Failure
from tests.unit.clients.signing import jwk_set, signer

pytestmark = pytest.mark.server
SET = jwk_set(signer())
Answer = Callable[[BaseHTTPRequestHandler], None]


class Web:
    """A web server that answers as a test has it, and counts who asked."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.answer: Answer = lambda to: self.plain(to, SET)
        self.asked: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                web.asked.append(self.path)
                web.answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients hang up here
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https" if context else "http"
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.port}/jwks.json"

    @staticmethod
    def plain(to: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
        to.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            to.send_header(name.replace("_", "-"), value)
        to.end_headers()
        to.wfile.write(body)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for `localhost` with its key; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a hospital's own authority")])
    now = datetime.now(UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Web]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    web = Web(context)
    yield web
    web.server.shutdown()
    web.server.server_close()


@pytest.fixture
def open_one() -> Iterator[Web]:
    web = Web(None)
    yield web
    web.server.shutdown()
    web.server.server_close()


def why(address: KeyAddress, trusted: str = "", seconds: float = 5.0) -> str:
    with pytest.raises(Unreachable) as caught:
        fetcher(trusted, seconds)(address)
    return str(caught.value)


def test_a_key_set_is_fetched_from_a_server_that_is_trusted(secure: Web, certificate: Path) -> None:
    for host in ("localhost", "127.0.0.1"):
        address = KeyAddress(secure.url(host), private=True)
        assert fetcher(str(certificate))(address) == SET


def test_a_server_that_nobody_vouches_for_is_not_believed(secure: Web) -> None:
    assert "certificate" in why(KeyAddress(secure.url(), private=True))
    assert secure.asked == []


def test_a_private_address_is_not_called_unless_the_entry_says_so(
    secure: Web, certificate: Path
) -> None:
    for host in ("localhost", "127.0.0.1"):
        assert "address" in why(KeyAddress(secure.url(host)), str(certificate))
    assert secure.asked == []


def test_http_is_not_called_unless_the_entry_says_so(open_one: Web) -> None:
    assert why(KeyAddress(open_one.url(), private=True)) == "not https"
    assert open_one.asked == []
    address = KeyAddress(open_one.url(), plain_http=True, private=True)
    assert fetcher()(address) == SET


def allowed(web: Web) -> KeyAddress:
    return KeyAddress(web.url(), plain_http=True, private=True)


@pytest.mark.parametrize("status", [301, 302, 307, 401, 404, 500])
def test_only_what_stands_there_counts(open_one: Web, status: int) -> None:
    other = open_one.url().replace("jwks", "other")
    open_one.answer = lambda to: Web.plain(to, SET, status, Location=other)
    assert str(status) in why(allowed(open_one))
    assert open_one.asked == ["/jwks.json"], "no redirect is followed"


def test_a_set_that_is_too_large_is_not_read_to_its_end(open_one: Web) -> None:
    open_one.answer = lambda to: Web.plain(to, b" " * (LARGEST + 1))
    assert "larger" in why(allowed(open_one))


def test_what_is_large_when_it_is_unpacked_is_too_large(open_one: Web) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    open_one.answer = lambda to: Web.plain(to, bomb, Content_Encoding="gzip")
    assert "larger" in why(allowed(open_one))
    open_one.answer = lambda to: Web.plain(to, gzip.compress(SET), Content_Encoding="gzip")
    assert fetcher()(allowed(open_one)) == SET


def test_an_answer_that_breaks_off_is_none(open_one: Web) -> None:
    def broken(to: BaseHTTPRequestHandler) -> None:
        Web.plain(to, SET[:50], Content_Length="1000")
        to.close_connection = True

    open_one.answer = broken
    assert why(allowed(open_one)) == "no answer that can be read (ProtocolError)"


def test_an_answer_with_two_lengths_is_none(open_one: Web) -> None:
    open_one.answer = lambda to: Web.plain(to, SET, Content_length="1000", Content_Length="50")
    assert why(allowed(open_one)) == "no answer that can be read (InvalidHeader)"


def drip(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "1000")
    to.end_headers()
    for _ in range(200):
        to.wfile.write(b" ")
        to.wfile.flush()
        time.sleep(0.05)


def drip_header(to: BaseHTTPRequestHandler) -> None:
    for letter in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 30:
        to.wfile.write(bytes([letter]))
        to.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("answer", [drip, drip_header, lambda _: time.sleep(10)])
def test_a_slow_server_is_not_waited_for(open_one: Web, answer: Answer) -> None:
    open_one.answer = answer
    begun = time.monotonic()
    assert why(allowed(open_one), seconds=0.6)
    assert time.monotonic() - begun < 3


def test_nobody_at_home_is_unreachable(open_one: Web) -> None:
    open_one.server.shutdown()
    open_one.server.server_close()
    assert why(allowed(open_one))


def test_a_name_that_leads_nowhere_is_unreachable() -> None:
    assert why(KeyAddress("https://jwks.invalid/jwks.json"))


def test_authorities_that_cannot_be_read_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(Failure):
        fetcher(str(tmp_path / "none.pem"))
