"""Connections to the addresses that were checked, and to no other; all of them ended with the call.

The URL keeps the host's name, so `Host`, the server name of TLS and the name on the certificate are the
right ones: only where the socket goes is decided here.
"""

import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from cds_service.ehr.absent import AbsentError
from cds_service.ehr.addresses import Address
from cds_service.ehr.budget import Budget
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

    def __init__(self, route: Route, connections: int) -> None:
        """As many connections as there are queries at once."""
        self._route = route
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

        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
