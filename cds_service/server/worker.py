"""A process of the service: gunicorn starts, watches, renews and stops it; waitress reads for it.

gunicorn's own threaded worker gives a thread to each connection that has sent a byte, and as many
clients as there are threads, each with half a body, stop the service. waitress reads all connections
in one loop and gives a thread a request that is whole. Measurements: docs/decisions/server.md.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable, MutableMapping
from typing import Any, ClassVar, cast

import msgspec
from gunicorn.workers.base import Worker
from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import TcpWSGIServer  # type: ignore[import-untyped]

from cds_service.server.channel import LINGER, Channel
from cds_service.server.turns import Turns

_log = logging.getLogger(__name__)
_TURN = 0.5  # seconds of one turn of the loop when nothing happens


class Limits(msgspec.Struct, frozen=True):
    """What a process holds its connections to.

    Attributes:
        body: bytes of a body that are read.
        head: bytes of a header that are read.
        arrival: seconds from the first byte of a request to its last.
        held: bytes of requests in one process that are not answered; beyond, the oldest of those that
            are still arriving is dropped.
        connections: open at once in one process; beyond, those that have waited longest make room.
        stuck: seconds in a thread after which a process is given up.
    """

    body: int = 16 * 1024 * 1024
    head: int = 64 * 1024
    arrival: float = 10.0
    held: int = 256 * 1024 * 1024
    connections: int = 500  # below the 1024 files that a process may often have open
    stuck: float = 30.0


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """What waitress listens with, for our connections."""

    channel_class = Channel
    stopping = False  # the process ends after what it has

    def maintenance(self, now: float) -> None:
        """Close connections on which nothing moves; of a request that arrives, the worker takes care."""
        cutoff = now - self.adj.channel_timeout
        for channel in self.active_channels.values():
            if not channel.requests and not channel.arriving and channel.last_activity < cutoff:
                channel.will_close = True


class BufferingWorker(Worker):
    """The process, for `Limits` of which `within` makes a class: gunicorn is given classes."""

    limits: ClassVar[Limits] = Limits()

    @classmethod
    def within(cls, limits: Limits) -> "type[BufferingWorker]":
        """The worker that holds its connections to these limits."""
        return type("BufferingWorker", (cls,), {"limits": limits})

    def run(self) -> None:
        """Serve until told to stop, or until there have been so many requests that it is renewed."""
        self._at_work: dict[int, float] = {}  # thread → when its request began to be answered
        self._open: dict[int, Any] = {}  # waitress's map: descriptor → what listens to it
        self._threads = Turns(self.cfg.threads)
        self._threads.queue_logger.setLevel(logging.ERROR)
        self._threads.set_thread_count(self.cfg.threads)
        servers = [self._server(cast("Any", one).sock) for one in self.sockets]
        while self.alive and os.getppid() == self.ppid:
            self._turn()
            self._end_when_stuck_or_due()
        self._stop(servers)

    def _server(self, listening: Any) -> Listener:
        return Listener(
            self._answered,
            map=self._open,
            _sock=listening,
            dispatcher=self._threads,
            bind_socket=False,
            sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
            ident=None,
            threads=self.cfg.threads,
            connection_limit=self.limits.connections,
            cleanup_interval=1,
            channel_timeout=self.cfg.keepalive,
            recv_bytes=65_536,
            max_request_header_size=self.limits.head,
            max_request_body_size=self.limits.body + 1,
            # Nothing of a body or an answer is ever put into a file.
            inbuf_overflow=2 * self.limits.body,
            outbuf_overflow=2 * self.limits.body,
            clear_untrusted_proxy_headers=False,  # nothing is believed of them: see web.callers
            log_socket_errors=False,
        )

    def _answered(self, environ: MutableMapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """The application, in a thread of the pool."""
        self.nr += 1
        thread = threading.get_ident()
        self._at_work[thread] = time.monotonic()
        try:
            answered: Iterable[bytes] = self.wsgi(environ, start_response)
        finally:
            del self._at_work[thread]
        return answered

    def _turn(self) -> None:
        self.notify()
        wasyncore.loop(timeout=_TURN, use_poll=True, map=self._open, count=1)
        now = time.monotonic()
        arriving = sorted((one for one in self._channels() if one.arriving), key=lambda one: one.begun)
        held = sum(one.arriving + one.waiting for one in self._channels())
        for one in arriving:  # the oldest first
            if now > one.begun + self.limits.arrival or held > self.limits.held:
                held -= one.arriving
                one.refuse_late()
        self._make_room()
        for one in self._channels():
            if one.overdue:
                one.will_close = True

    def _make_room(self) -> None:
        """Let go of those that have waited longest, where there are as many as there may be."""
        if len(self._open) < self.limits.connections:
            return
        waiting = sorted(
            (one for one in self._channels() if one.arriving or one.idle or one.unread),
            key=lambda one: one.begun,
        )
        for one in waiting[: self.limits.connections // 20]:
            one.will_close = True

    def _channels(self) -> list[Channel]:
        return [one for one in self._open.values() if isinstance(one, Channel)]

    def _end_when_stuck_or_due(self) -> None:
        if self.nr >= self.max_requests:
            self.alive = False
        begun = min(list(self._at_work.values()), default=None)
        if begun is not None and time.monotonic() - begun > self.limits.stuck:
            # A thread cannot be ended; a process can. The others are answered, and gunicorn starts anew.
            _log.error("a request has been at work for %d s: this process ends", self.limits.stuck)
            self.alive = False

    def _stop(self, servers: list[Listener]) -> None:
        """Answer what was accepted, then end."""
        for server in servers:
            self._accept_all(server)
            server.accepting = False
            server.stopping = True
            server.del_channel()
            server.socket.close()
        begun = time.monotonic()
        until = begun + self.cfg.graceful_timeout
        while self._channels() and time.monotonic() < until:
            for one in self._channels():
                # Who was accepted last has sent nothing yet, and will; so may who was answered before.
                if one.idle and time.monotonic() > begun + LINGER:
                    one.will_close = True
            self._turn()
        self._threads.shutdown(cancel_pending=False, timeout=1)

    def _accept_all(self, server: Listener) -> None:
        # The system has accepted these for us, and their clients may have sent their calls.
        while True:
            before = len(self._open)
            server.handle_accept()
            if len(self._open) == before:
                return
