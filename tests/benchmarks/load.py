"""A client that calls one address over and over, in a process of its own.

`python -m tests.benchmarks.load PORT PATH FILE CONNECTIONS SECONDS`. Each connection is a thread that
sends ready-made bytes and reads the answer to its Content-Length; nothing is parsed. What it costs
itself is measured and said with the result.
"""

import itertools
import json
import socket
import sys
import threading
import time
from pathlib import Path

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


def main() -> None:
    """Load the address, print one line of JSON: latencies in seconds, CPU seconds, what went wrong."""
    port, path, file, connections, seconds = sys.argv[1:]
    body = Path(file).read_bytes()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode("ascii") + body
    latencies: list[list[float]] = [[] for _ in range(int(connections))]
    wrong: list[str] = []
    start = threading.Barrier(len(latencies) + 1)
    threads = [
        threading.Thread(target=_call, args=(int(port), request, float(seconds), one, wrong, start))
        for one in latencies
    ]
    for thread in threads:
        thread.start()
    start.wait()
    begun, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    found = sorted(itertools.chain.from_iterable(latencies))
    spent = time.process_time() - cpu
    print(json.dumps({"latencies": found, "seconds": took, "cpu": spent, "wrong": wrong[:3]}))


def _call(
    port: int,
    request: bytes,
    seconds: float,
    latencies: list[float],
    wrong: list[str],
    start: threading.Barrier,
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start.wait()
        until = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < until and not wrong:
            try:
                connection.sendall(request)
                status = _answer(connection)
            except OSError as error:
                wrong.append(str(error))
                return
            if b" 200 " not in status:
                wrong.append(status.decode("latin-1"))
            latencies.append(time.perf_counter() - begun)


def _answer(connection: socket.socket) -> bytes:
    """Read one answer to its end; the status line."""
    got = b""
    while _END not in got:
        more = connection.recv(262_144)
        if not more:
            raise ConnectionError("the server closed the connection")
        got += more
    head, _, rest = got.partition(_END)
    lines = head.split(b"\r\n")
    length = next(int(line[len(_LENGTH) :]) for line in lines if line.lower().startswith(_LENGTH))
    left = length - len(rest)
    while left > 0:
        left -= len(connection.recv(262_144))
    return lines[0]


if __name__ == "__main__":
    main()
