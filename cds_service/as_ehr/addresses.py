"""Addresses that a person typed, and the token for one of them."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from cds_service.environment import loopback
from cds_service.failures import Failure, Kind

TOKEN_VARIABLE = "CDS_FHIR_TOKEN"  # noqa: S105 - the name of a variable


def base(text: str, *, like: str) -> str:
    """An address without a slash at the end.

    Args:
        text: what was typed.
        like: an example of what is meant, for the message.

    Raises:
        Failure: incorrect, when it is no http(s) address, or holds a password or a query.
    """
    todo = f"write it like {like}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Failure(Kind.INCORRECT, f"is no address: {error}", todo=todo) from error
    if parts.scheme not in ("http", "https") or not host:
        raise Failure(Kind.INCORRECT, "is no http(s) address", where=printable(text), todo=todo)
    if parts.username is not None or parts.password is not None:
        raise Failure(
            Kind.INCORRECT,
            "the address holds a user name or a password, which everybody on this machine can read",
            todo=f"put a token into {TOKEN_VARIABLE} or a file (--token-file)",
        )
    if parts.query or parts.fragment:
        raise Failure(Kind.INCORRECT, "the address goes on after its path (? or #)", todo=todo)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def on_this_machine(address: str) -> bool:
    """Whether an address is of the loopback interface: nobody else reaches it."""
    host = urlsplit(address).hostname or ""
    return loopback(host) or host.endswith(".localhost")  # RFC 6761 6.3


def nearby(address: str) -> bool:
    """Whether it is of this machine or its network: a private address, or a name without a dot."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return on_this_machine(address) or "." not in host


def token(file: Path | None, address: str) -> str:
    """The bearer token for a FHIR server: from a file, else from the environment; empty without one.

    Raises:
        Failure: incorrect, when the file holds none, or the token would travel in the clear.
    """
    found = file.read_text("utf-8").strip() if file else os.environ.get(TOKEN_VARIABLE, "").strip()
    if file and not found:
        raise Failure(Kind.INCORRECT, "holds no token", where=str(file))
    if found and not (found.isascii() and found.isprintable() and " " not in found):
        place = str(file) if file else TOKEN_VARIABLE
        raise Failure(Kind.INCORRECT, "is no bearer token: one word, without `Bearer`", where=place)
    if found and address.startswith("http:") and not on_this_machine(address):
        raise Failure(
            Kind.INCORRECT,
            "the token would travel unencrypted",
            where=address,
            todo=f"use https, or unset {TOKEN_VARIABLE}",
        )
    return found


def printable(text: str, most: int = 300) -> str:
    """A stranger's words for a terminal: one line, no control characters, cut when long."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
