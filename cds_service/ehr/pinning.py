"""Connections to the addresses that were checked, and to no other; all of them ended with the call.

The URL keeps the host's name, so `Host`, the server name of TLS and the name on the certificate are the
right ones: only where the socket goes is decided here.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from cds_service.ehr.absent import AbsentError
from cds_service.ehr.addresses import Address
from cds_service.ehr.budget import Budget
from cds_service.failures import Failure, Kind
from cds_service.fhir.absence import Absence


class Route:
    """The way to one FHIR server for one hook call.

    Args:
        addresses: the checked ones, in the order to try them.
        budget: the call's; each address gets its share of the time that is left.
    """

    def __init__(self, addresses: Sequence[Address], budget: Budget) -> None:
        """Nothing is connected yet."""
        self._addresses = addresses
        self._budget = budget
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._closed = False

    def connect(self) -> socket.socket:
        """A new connection.

        Raises:
            AbsentError: unreachable, or out-of-time.
        """
        for number, address in enumerate(self._addresses):
            share = self._budget.some_time() / (len(self._addresses) - number)
            with contextlib.suppress(OSError):
                return self._connected(address, share)
        self._budget.some_time()
        raise AbsentError(Absence.UNREACHABLE)

    def _connected(self, address: Address, seconds: float) -> socket.socket:
        connection = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            self._watch(connection)
            connection.settimeout(seconds)
            connection.connect(address.place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, AbsentError):
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """End every connection, also one that somebody reads from: a read then returns at once.

        A server that sends a byte now and then is never silent for longer than a time-out of the
        socket; this is what ends it.
        """
        with self._lock:
            self._closed = True
            ending, self._open = self._open, []
        for one in ending:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _watch(self, connection: socket.socket) -> None:
        # A duplicate: TLS takes the socket itself over, and a shutdown reaches both.
        with self._lock:
            if self._closed:
                raise AbsentError(Absence.OUT_OF_TIME)
            self._open.append(connection.dup())


class PinnedAdapter(HTTPAdapter):
    """An HTTPS or HTTP adapter of requests whose every connection is the route's.

    It is used without a Session, which would add cookies, redirects, proxies and passwords of a netrc.
    """

    def __init__(self, route: Route, connections: int, trust: ssl.SSLContext) -> None:
        """As many connections as there are queries at once, and whose certificates are trusted."""
        self._route = route
        self._trust = trust
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have pools whose connections ask the route for their socket."""
        route = self._route

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return route.connect()

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return route.connect()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        super().init_poolmanager(*args, **kwargs, ssl_context=self._trust)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - its form
        """Have every certificate checked, by the authorities that were read once.

        requests would have each connection read them from the file again: some 20 ms of computing.
        """
        conn.cert_reqs = "CERT_REQUIRED"


def trusting(authorities: str) -> ssl.SSLContext:
    """What certificates of FHIR servers are checked with.

    Args:
        authorities: a file in PEM; empty for those that come with requests.

    Raises:
        Failure: incorrect, when the file cannot be read or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=authorities or DEFAULT_CA_BUNDLE_PATH)
    except (OSError, ValueError) as error:
        raise Failure(
            Kind.INCORRECT,
            f"{authorities} cannot be read as certificates",
            where="CDS_CA_FILE",
            todo="name a file of certificates of authorities in PEM",
        ) from error
