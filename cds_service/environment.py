"""What environment variables may hold: forms that are read from text, or refused with what to write."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import limits
import msgspec


class Form(msgspec.Struct, frozen=True):
    """What a variable may hold: in words, read from text (or ValueError), and when it cannot be read."""

    takes: str
    read: Callable[[str], Any]
    wrong: str = ""
    todo: str = ""
    empty_is_said: bool = False


class Variable(msgspec.Struct, frozen=True):
    """How the environment says a setting.

    Attributes:
        name: the environment variable.
        form: what it may hold.
        means: what it decides, for those who run the service.
        unset: what an unset or empty variable means, where the default's value does not say it.
        follows: the field whose value is the default.
    """

    name: str
    form: Form
    means: str
    unset: str = ""
    follows: str = ""


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError
    return words[text.lower()]


def whole(most: int) -> Form:
    """A whole number from 1 to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
            raise ValueError
        return int(text)

    return Form(f"1 to {most}", read, f"must be a whole number from 1 to {most}")


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError from error
    return text


# As browsers send it in `Origin` (RFC 6454 6.2): small letters, no path, not even a slash at the end.
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def _origins(text: str) -> tuple[str, ...]:
    found = tuple(text.replace(",", " ").split())
    if not all(_ORIGIN.fullmatch(one) for one in found):
        raise ValueError
    return found


def _rate(text: str) -> str:
    if text and not all(one.amount for one in limits.parse_many(text)):
        raise ValueError  # none at all is no rate
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    strange = parts.query or parts.fragment or "@" in parts.netloc or parts.port == 0
    if parts.scheme not in ("http", "https") or not parts.hostname or strange:
        raise ValueError
    return text.rstrip("/")


def _authentication(text: str) -> str:
    if text.lower() not in ("required", "off"):
        raise ValueError
    return text.lower()


def loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


SWITCH = Form("`1`, `true`, `yes`, `on`, or `0`, `false`, `no`, `off`", _flag, "must be 1 or 0")
ADDRESS = Form("an address", str)
FOLDER = Form("a folder", str)
FILE = Form("a file", Path)
SECRET = Form("at least 32 hexadecimal digits", str)
PUBLIC_URL = Form(
    "an `http` or `https` URL without a query",
    _public_url,
    "is not the URL of a service",
    "write https://host, with the port and the path if there are any: e.g. https://cds.example.org",
)
AUTHENTICATION = Form("`required` or `off`", _authentication, "must be required or off")
ZONE = Form("a zone of the IANA database", _zone, "is not a time zone", "e.g. Europe/Berlin")
REGION = Form("the name of a region of the rule base", str)
ORIGINS = Form(
    "`*`, or origins (`scheme://host[:port]`) with blanks or commas between",
    _origins,
    "holds something that is no origin",
    "write * or scheme://host[:port] in small letters: no path, no slash at the end, not null",
    empty_is_said=True,
)
RATE = Form(
    "calls in a time, as `20/second`, `1000/minute`; several with `;` between",
    _rate,
    "is no rate",
    "write e.g. 20/second or 1000/minute",
    empty_is_said=True,
)
