"""The addresses of a FHIR server's host: looked up once for a hook call, checked, and only then used.

What was checked is what is connected to: a name that would give another address a moment later (DNS
rebinding) gets nobody past the check.
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cds_service.ehr.absent import AbsentError
from cds_service.fhir.absence import Absence

PORTS = {"http": 80, "https": 443}
_SHARED = IPv4Network("100.64.0.0/10")  # RFC 6598: neither private nor global
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address within
# No hosts of others, though Python may call them global: "this network" (RFC 1122); protocol
# assignments, where some clouds answer their own machines (RFC 6890); the old 6to4 relays (RFC
# 7526); 168.63.129.16, where Azure answers its own.
_NEVER = tuple(map(IPv4Network, ("0.0.0.0/8", "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")  # RFC 8215
_MOST = 4  # of one host that are tried


class Address(msgspec.Struct, frozen=True):
    """One address to connect to, as `socket.connect` takes it."""

    family: int
    place: tuple[Any, ...]


def resolve(url: str, *, private: bool) -> tuple[Address, ...]:
    """The addresses of a URL's host that may be asked, at most four.

    Args:
        url: `http` or `https`; its port, or its scheme's, goes into each address.
        private: those of private networks, loopback and link-local ones may be asked too.

    Raises:
        AbsentError: the name has no address, or none that may be asked.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AbsentError(Absence.NO_SUCH_NAME) from error
    usable = [
        Address(family, place)
        for family, _, _, _, place in found
        if may_be_asked(str(place[0]), private=private)
    ]
    if not usable:
        raise AbsentError(Absence.BAD_ADDRESS if found else Absence.NO_SUCH_NAME)
    return tuple(usable[:_MOST])


def may_be_asked(text: str, *, private: bool) -> bool:
    """Whether an address may be connected to; never one that is for many, for none, or reserved."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = _within(address) if isinstance(address, IPv6Address) else None
    return _is_fit(inner or address, private=private)


def _within(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, 6to4, Teredo, NAT64."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _is_fit(address: IPv4Address | IPv6Address, *, private: bool) -> bool:
    if address.is_multicast or address.is_unspecified or address in _NAT64_LOCAL:
        return False
    if any(address in one for one in _NEVER):
        return False
    own = address in _SHARED if isinstance(address, IPv4Address) else address.is_site_local
    if own or address.is_loopback or address.is_link_local:
        return private
    if address.is_reserved or address == IPv4Address("255.255.255.255"):
        return False
    return private if address.is_private else address.is_global
