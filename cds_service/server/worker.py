"""gunicorn's threaded worker, which reads a request before it gives it to a thread.

gunicorn's own gives a thread to each connection that has sent a byte, and the thread waits for the rest:
as many clients as there are threads, each with half a body, stop the service. Here one loop reads from
all connections as their bytes come, and a thread gets a request that is whole. Measurements, and what
else was considered: docs/decisions/server.md.
"""

import errno
import logging
import math
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, MutableMapping
from functools import partial
from selectors import EVENT_READ
from typing import Any, ClassVar

import msgspec
from gunicorn.http import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

from cds_service.server import answers
from cds_service.server.arriving import Arriving

_log = logging.getLogger(__name__)
BEGUN = "heavy-legs.begun"  # in the WSGI environment: when the first byte came, monotonic seconds
_PIECE = 256 * 1024  # bytes read of one connection before others have their turn
_FULL = (errno.EMFILE, errno.ENFILE)
_LINGER = 2.0  # seconds that a closed connection's client has to take its answer
_UNREAD = 64 * 1024  # bytes that are thrown away meanwhile
_STALLED = 10  # seconds without progress after which an answer that nobody reads is given up
_ANSWER = 512 * 1024  # bytes of an answer that the system keeps for a client who is slow to read


class Limits(msgspec.Struct, frozen=True):
    """What the worker holds its connections to.

    Attributes:
        body: bytes of a body that are waited for.
        arrival: seconds from the first byte of a request to its last.
        held: bytes of unfinished requests in one process; beyond, the oldest is dropped.
        stuck: seconds in a thread after which a process is given up.
    """

    body: int = 16 * 1024 * 1024
    arrival: float = 10.0
    held: int = 256 * 1024 * 1024
    stuck: float = 30.0


class Connection(TConn):
    """A connection whose bytes the loop reads; the parser never reads from the socket."""

    def __init__(self, worker: "ReadingWorker", taken: socket.socket, client: Any, server: Any) -> None:
        """Wrap an accepted socket."""
        super().__init__(worker.cfg, taken, client, server)
        self.parser = RequestParser(worker.cfg, iter(()), client)
        self.initialized = True
        self.begun = time.monotonic()
        self.told = False  # to send its body
        self._worker = worker

    def close(self, graceful: bool = False) -> None:  # noqa: FBT002 - gunicorn's signature
        """Close at once, or when the client has had the time to take its answer."""
        if graceful:
            self._worker.let_go(self.sock)
        else:
            super().close()


class ReadingWorker(ThreadWorker):
    """The worker, for `Limits` of which `within` makes a class: gunicorn is given classes."""

    limits: ClassVar[Limits] = Limits()

    @classmethod
    def within(cls, limits: Limits) -> "type[ReadingWorker]":
        """The worker that holds its connections to these limits."""
        return type("ReadingWorker", (cls,), {"limits": limits})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without connections."""
        super().__init__(*args, **kwargs)
        self._arriving: dict[Connection, Arriving] = {}  # the oldest first
        self._leaving: dict[socket.socket, tuple[float, int]] = {}  # until when, bytes it may still send
        self._held = 0
        self._mine = threading.local()
        self._at_work: dict[int, float] = {}  # thread → when it began
        self._stops = math.inf  # when nobody is waited for who has sent nothing

    def load_wsgi(self) -> None:
        """Have the application told when its request began to come."""
        super().load_wsgi()
        inner: Callable[..., Iterable[bytes]] = self.wsgi

        def timed(environ: MutableMapping[str, Any], start_response: Any) -> Iterable[bytes]:
            environ[BEGUN] = self._mine.begun
            return inner(environ, start_response)

        self.wsgi = timed

    # ------------------------------------------------------------------ in the loop's thread
    def accept(self, listener: socket.socket) -> None:
        """Take a connection; where there are too many, in place of the one that has waited longest."""
        try:
            taken, client = listener.accept()
        except OSError as error:
            if error.errno in _FULL:
                self._make_room()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ANSWER)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _STALLED, 0))
        self.nr_conns += 1
        self.enqueue_req(Connection(self, taken, client, listener.getsockname()))
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    def enqueue_req(self, conn: TConn) -> None:
        """Give the next request of a connection to a thread, once it is whole."""
        assert isinstance(conn, Connection)
        conn.sock.setblocking(False)
        assert isinstance(conn.parser, RequestParser)
        ahead = conn.parser.unreader.take_buffered()
        arriving = Arriving(time.monotonic(), self.limits.body)
        self._arriving[conn] = arriving
        self.poller.register(conn.sock, EVENT_READ, partial(self._readable, conn))
        if ahead:
            self._add(conn, arriving, ahead)
        else:
            self._readable(conn)

    def _readable(self, conn: Connection, _: Any = None) -> None:
        arriving = self._arriving.get(conn)
        if arriving is None:
            return  # dropped in this same turn
        try:
            piece = conn.sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            self._drop(conn)
            return
        if piece:
            self._add(conn, arriving, piece)
        elif arriving.data:
            self._hand_over(conn)  # cut off: the parser says how
        else:
            self._drop(conn)

    def _add(self, conn: Connection, arriving: Arriving, piece: bytes) -> None:
        if not arriving.data:
            arriving.begun = time.monotonic()
        self._held += len(piece)
        if arriving.add(piece):
            self._hand_over(conn)
        elif arriving.too_long:
            self._drop(conn, answers.HEAD_TOO_LONG)
        else:
            if arriving.waits:
                self._tell(conn)
            if self._held > self.limits.held:
                self._drop_oldest()

    def _tell(self, conn: Connection) -> None:
        try:
            conn.sock.send(answers.CONTINUE)
        except OSError:
            self._drop(conn)
        else:
            conn.told = True

    def _hand_over(self, conn: Connection) -> None:
        arriving = self._forget(conn)
        conn.begun = arriving.begun
        assert isinstance(conn.parser, RequestParser)
        conn.parser.unreader.unread(bytes(arriving.data))
        super().enqueue_req(conn)

    def _forget(self, conn: Connection) -> Arriving:
        arriving = self._arriving.pop(conn)
        self._held -= len(arriving.data)
        self.poller.unregister(conn.sock)
        return arriving

    def _drop(self, conn: Connection, answer: bytes = b"") -> None:
        self._forget(conn)
        self.nr_conns -= 1
        if answer:
            try:
                conn.sock.send(answer)
            except OSError:
                conn.close()
                return
        conn.close(graceful=bool(answer))

    def _make_room(self) -> None:
        if self._leaving:
            self._close(next(iter(self._leaving)))
        else:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = next(iter(self._arriving), None)
        if oldest is not None:
            self._drop(oldest, answers.LATE if self._arriving[oldest].data else b"")

    def murder_pending(self) -> None:
        """Drop what has been arriving too long; gunicorn calls it in each turn of its loop."""
        super().murder_pending()
        now = time.monotonic()
        if not self.alive:
            self._stops = min(self._stops, now + _LINGER)
        for conn, arriving in list(self._arriving.items()):
            if arriving.data:
                if now > arriving.begun + self.limits.arrival:
                    self._drop(conn, answers.LATE)
            elif now > min(arriving.begun + self.cfg.keepalive, self._stops):
                self._drop(conn)
        for leaving, (until, _) in list(self._leaving.items()):
            if now > until:
                self._close(leaving)
        self._give_up_when_stuck(now)

    def _give_up_when_stuck(self, now: float) -> None:
        begun = min(list(self._at_work.values()), default=now)
        if self.alive and now - begun > self.limits.stuck:
            # A thread cannot be ended; a process can. The others are answered, and gunicorn starts anew.
            _log.error("a request has been at work for %d s: this process ends", now - begun)
            self.alive = False

    def let_go(self, taken: socket.socket) -> None:
        """Close a connection without cutting off the answer it has just been given (RFC 9112 9.6).

        gunicorn waits here for the client, for up to two seconds in which its loop serves nobody.
        """
        try:
            taken.shutdown(socket.SHUT_WR)
            taken.setblocking(False)
            self.poller.register(taken, EVENT_READ, self._throw_away)
        except (OSError, ValueError):
            taken.close()
            return
        self._leaving[taken] = (time.monotonic() + _LINGER, _UNREAD)
        self.nr_conns += 1

    def _throw_away(self, taken: socket.socket) -> None:
        if taken not in self._leaving:
            return
        until, most = self._leaving[taken]
        try:
            most -= len(taken.recv(_UNREAD)) or most
        except BlockingIOError:
            return
        except OSError:
            most = 0
        self._leaving[taken] = (until, most)
        if most <= 0:
            self._close(taken)

    def _close(self, taken: socket.socket) -> None:
        del self._leaving[taken]
        self.nr_conns -= 1
        self.poller.unregister(taken)
        taken.close()

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Stop listening altogether when the process ends: then nobody waits for it in vain."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            self._take_all(listener)
            listener.close()

    def _take_all(self, listener: socket.socket) -> None:
        # The system has accepted these for us, and their clients may have sent their calls.
        while True:
            before = self.nr_conns
            try:
                self.accept(listener)
            except OSError:
                return
            if self.nr_conns == before:
                return

    # ------------------------------------------------------------------ in the threads of the pool
    def handle(self, conn: TConn) -> bool:
        """Answer one request."""
        assert isinstance(conn, Connection)
        self._mine.begun = conn.begun
        thread = threading.get_ident()
        self._at_work[thread] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            del self._at_work[thread]

    def handle_request(self, req: Any, conn: TConn) -> bool:
        """Answer one request that the parser has read."""
        assert isinstance(conn, Connection)
        if conn.told:
            req._expected_100_continue = False  # noqa: SLF001 - the loop has said it
            conn.told = False
        try:
            return super().handle_request(req, conn)
        except BlockingIOError:
            return False  # the client does not read its answer
