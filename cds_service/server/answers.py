"""What the server says of itself, before the application has a request: bytes as they are sent."""

import msgspec

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _refusal(status: str, code: str, what: str) -> bytes:
    issue = {"severity": "error", "code": code, "diagnostics": what}
    body = msgspec.json.encode({"resourceType": "OperationOutcome", "issue": [issue]})
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


LATE = _refusal(
    "408 Request Timeout", "timeout", "the request did not arrive in time; send it whole, at once"
)
HEAD_TOO_LONG = _refusal(
    "431 Request Header Fields Too Large", "too-long", "the header is longer than 64 KiB"
)
