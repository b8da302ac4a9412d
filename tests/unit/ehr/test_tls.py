"""TLS, and the address that a name has: what was checked is what is spoken to."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_service.clients.model import FhirServer
from cds_service.ehr.fetching import Fetching
from cds_service.failures import Failure
from tests.unit.ehr.asking_us import PATIENT, fetched, reasons

HOST = "fhir.example.org"
BODIES = {
    "Patient": f'{{"resourceType":"Patient","id":"{PATIENT}"}}',
    "Condition": '{"resourceType":"Bundle","type":"searchset"}',
}
Key = ec.EllipticCurvePrivateKey


class Authority:
    """A certificate authority of these tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        made = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._signed(made))

    def server(self, host: str) -> ssl.SSLContext:
        """Return what a server of this name speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self._builder(name, key).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        file = self._folder / f"{host}.pem"
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        file.write_bytes(key.private_bytes(*form, serialization.NoEncryption()) + self._signed(made))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: Key) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    def _signed(self, made: x509.CertificateBuilder) -> bytes:
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Server:
    """A FHIR server on loopback that speaks TLS, and what it was told."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.names: list[str] = []  # that TLS asked for
        self.hosts: list[str] = []
        seen = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                seen.hosts.append(self.headers["Host"])
                body = BODIES[self.path.split("/")[2].split("?")[0]].encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/fhir+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        class Threads(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                return

        def remember(_: Any, name: str, __: Any) -> None:
            seen.names.append(name)

        context.sni_callback = remember
        self.http = Threads(("127.0.0.1", 0), Handler)
        # The handshake is the handler's: one that fails must not end the thread that accepts.
        self.http.socket = context.wrap_socket(
            self.http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.base = f"https://{HOST}:{self.http.server_port}/fhir"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that signs for every server here."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[Server]:
    """Return a server with the right certificate."""
    running = Server(authority.server(HOST))
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have the name lead to loopback once, and then elsewhere; return the names that were looked up."""
    asked: list[str] = []

    def answer(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.99"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def asked(server: Server, trusted: str, *, private: bool = True) -> dict[str, str]:
    server.names, server.hosts = [], []
    entry = FhirServer(server.base, private=private)
    return reasons(fetched(Fetching(10, trusted), server.base, [entry]))


@pytest.mark.requirement(1, 23)
def test_the_name_of_the_host_is_kept_and_its_address_looked_up_once(
    server: Server, authority: Authority, lookups: list[str]
) -> None:
    assert asked(server, str(authority.file)) == {"patient": "", "conditions": ""}
    assert lookups == [HOST]  # and both connections went to what that gave
    assert set(server.names) == {HOST}
    assert set(server.hosts) == {server.base.removeprefix("https://").removesuffix("/fhir")}


@pytest.mark.requirement(1)
def test_a_certificate_of_another_authority_is_refused(server: Server, lookups: list[str]) -> None:
    assert set(asked(server, "").values()) == {"certificate-refused"}
    assert server.hosts == []
    assert lookups == [HOST]


@pytest.mark.requirement(1)
@pytest.mark.usefixtures("lookups")
def test_a_certificate_of_another_host_is_refused(authority: Authority) -> None:
    other = Server(authority.server("other.example.org"))
    try:
        assert set(asked(other, str(authority.file)).values()) == {"certificate-refused"}
        assert other.hosts == []
    finally:
        other.http.shutdown()
        other.http.server_close()


@pytest.mark.requirement(23)
def test_a_private_address_is_not_even_connected_to(
    server: Server, authority: Authority, lookups: list[str]
) -> None:
    assert set(asked(server, str(authority.file), private=False).values()) == {"address-refused"}
    assert (server.names, server.hosts, lookups) == ([], [], [HOST])


def test_a_proxy_or_a_netrc_of_the_environment_is_not_asked(
    server: Server,
    authority: Authority,
    lookups: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login me password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
    assert asked(server, str(authority.file)) == {"patient": "", "conditions": ""}
    assert lookups == [HOST]


@pytest.mark.parametrize("content", [b"", b"not a certificate", None])
def test_a_file_of_authorities_that_is_none_is_said_at_the_start(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Failure, match="CDS_CA_FILE"):
        Fetching(1, str(file))
