"""Threads for fetching: so many in a process, and so many of them for one client at once.

A hook call asks all its queries at the same time, so without a bound a hostile or a broken client would
open hundreds of sockets, here and at the FHIR server. Who waits here waits within the call's own budget.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from cds_service.ehr.budget import Budget

_T = TypeVar("_T")
CONNECTIONS = 64  # of one process
CONNECTIONS_OF_A_CLIENT = 32  # so that one whose server is slow leaves room for the others


class Pool:
    """The threads of one process. They begin with the first use, so after a server has forked."""

    def __init__(
        self, connections: int = CONNECTIONS, of_a_client: int = CONNECTIONS_OF_A_CLIENT
    ) -> None:
        """No thread runs yet."""
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="fetch")
        self._of_a_client = of_a_client
        self._shares: dict[str, threading.BoundedSemaphore] = {}
        self._lock = threading.Lock()

    def submit(self, client: str, budget: Budget, work: Callable[[], _T]) -> Future[_T] | None:
        """Have something done as soon as the client has a share left; None if it has none in time."""
        share = self._share(client)
        if not share.acquire(timeout=budget.left):
            return None
        try:
            future = self._threads.submit(work)
        except RuntimeError:  # the process is about to end
            share.release()
            return None
        future.add_done_callback(lambda _: share.release())
        return future

    def _share(self, client: str) -> threading.BoundedSemaphore:
        with self._lock:
            if client not in self._shares:
                self._shares[client] = threading.BoundedSemaphore(self._of_a_client)
            return self._shares[client]
