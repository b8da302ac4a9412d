"""One token: whose it is, and whether it proves that (requirements 51 to 58).

Nothing a token says of itself decides how it is checked: its issuer must be known, and the issuer's
entry says which algorithms, keys and key addresses count. What the caller is told is one and the same
whatever is wrong; the reason is for the log.
"""

import json
import math
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from jwt import PyJWS
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_decode

from cds_service.clients.jwks import Key
from cds_service.clients.model import Client, Clients, Trust
from cds_service.clients.token_reasons import (
    LEEWAY,
    LONGEST,
    LONGEST_LIFE,
    NEVER,
    TokenReason,
    TokenRefused,
)

_LONGEST_TEXT = 1024  # of one claim
_LONGEST_JTI = 256
_MOST_AUDIENCES = 20
_LATEST = 1e12  # seconds since 1970, beyond any that is meant; no NaN and no infinity is below it
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


class Proof(msgspec.Struct, frozen=True):
    """What a good token says.

    Attributes:
        client: whose it is.
        issuer: its `iss`.
        jti: its name, for telling whether it was used before.
        expires: until when that must be remembered, in seconds since 1970.
        tenant: its `tenant`, or empty.
    """

    client: Client
    issuer: str
    jti: str
    expires: int
    tenant: str = ""


class KeySource(Protocol):
    """Where the keys of a client are looked up."""

    def find(self, trust: Trust, kid: str, algorithm: str, jku: str) -> Key | None:
        """The key of this name that fits the algorithm; None when there is none.

        Raises:
            Unreachable: where keys would be, nothing can be had.
        """


class Unreachable(Exception):  # noqa: N818 - a state of others
    """A client's key set cannot be had."""


def canonical(url: str) -> str:
    """A URL as addresses are compared: one slash for several, none at the end, case where it is none.

    The service answers at all these spellings alike (`web.addresses`), and a client signs the one it
    calls: the sandbox has a doubled slash where its discovery address ended with one.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    host = parts.netloc.lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme.lower(), "")
    if default and host.endswith(default):
        host = host.removesuffix(default)
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    rest = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower()}://{host}{path}{rest}{'#' if parts.fragment else ''}"


def read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of a token, neither of them proven yet.

    Raises:
        TokenRefused: it is too long or no token.
    """
    if len(token) > LONGEST:
        raise TokenRefused(TokenReason.TOO_LONG)
    if not _COMPACT.fullmatch(token):
        raise TokenRefused(TokenReason.MALFORMED)
    header, claims, _ = token.split(".")
    return _object(header), _object(claims)


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(base64url_decode(part))
    except (ValueError, RecursionError) as error:
        raise TokenRefused(TokenReason.MALFORMED) from error
    if not isinstance(found, dict):
        raise TokenRefused(TokenReason.MALFORMED)
    return found


def check(
    token: str, clients: Clients, endpoints: AbstractSet[str], keys: KeySource, now: float
) -> Proof:
    """What a token proves, at one endpoint and time.

    In the order of requirement 55, but that the tenant comes before the rest: it tells apart clients
    that share an issuer. Whether the token was used before is not looked at here.

    Args:
        token: as the header brought it.
        clients: those who may call.
        endpoints: the public addresses of what is called, `canonical`.
        keys: where keys are looked up.
        now: seconds since 1970.

    Raises:
        TokenRefused: with the reason.
    """
    header, claims = read(token)
    kid, algorithm, jku = _header(header)
    issuer = _text(claims, "iss")
    candidates = clients.by_issuer.get(issuer, ())
    if not candidates:
        raise TokenRefused(TokenReason.ISSUER)
    named = candidates[0].name if len(candidates) == 1 else ""
    try:
        tenant = _text(claims, "tenant", missing="")
        client, trust = _meant(candidates, tenant)
        named = client.name
        _for_us(claims.get("aud"), trust, endpoints)
        expires = _in_time(claims, now)
        _about(_text(claims, "sub", missing=""), trust)
        jti = _text(claims, "jti", longest=_LONGEST_JTI)
        _signed(token, trust, keys, kid, algorithm, jku)
    except TokenRefused as refused:
        raise TokenRefused(refused.reason, named) from refused
    return Proof(client, issuer, jti, expires, tenant)


def _header(header: Mapping[str, Any]) -> tuple[str, str, str]:
    """`kid`, `alg` and `jku`; the last may be empty."""
    kid, algorithm, jku = header.get("kid"), header.get("alg"), header.get("jku", "")
    # `typ` is required (51) and RFC 7519 leaves it out; a token without one is as good as any, one of
    # another type was made for something else (RFC 8725 3.11).
    typed = header.get("typ", "JWT")
    if not isinstance(typed, str) or typed.upper() != "JWT" or any(one in header for one in NEVER):
        raise TokenRefused(TokenReason.HEADER)
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_TEXT or not isinstance(jku, str):
        raise TokenRefused(TokenReason.HEADER)
    if not isinstance(algorithm, str):
        raise TokenRefused(TokenReason.ALGORITHM)
    return kid, algorithm, jku


def _text(
    claims: Mapping[str, Any], name: str, longest: int = _LONGEST_TEXT, missing: str | None = None
) -> str:
    found = claims.get(name, missing)
    if missing is not None and found == missing:
        return missing
    if not isinstance(found, str) or not 0 < len(found) <= longest:
        raise TokenRefused(TokenReason.CLAIMS)
    return found


def _meant(candidates: tuple[Client, ...], tenant: str) -> tuple[Client, Trust]:
    for client in candidates:
        trust = client.trust
        if trust is not None and (not trust.tenants or tenant in trust.tenants):
            return client, trust
    raise TokenRefused(TokenReason.TENANT)


def _about(subject: str, trust: Trust) -> None:
    if trust.subjects and subject not in trust.subjects:
        raise TokenRefused(TokenReason.SUBJECT)


def _for_us(audience: Any, trust: Trust, endpoints: AbstractSet[str]) -> None:
    named = [audience] if isinstance(audience, str) else audience
    if (
        not isinstance(named, list)
        or not 0 < len(named) <= _MOST_AUDIENCES
        or not all(isinstance(one, str) and 0 < len(one) <= _LONGEST_TEXT for one in named)
    ):
        raise TokenRefused(TokenReason.CLAIMS)
    if not any(one in trust.audiences or _same(one, endpoints) for one in named):
        raise TokenRefused(TokenReason.AUDIENCE)


def _same(said: str, endpoints: AbstractSet[str]) -> bool:
    try:
        return canonical(said) in endpoints
    except ValueError:  # a bracket that is not closed
        return False


def _in_time(claims: Mapping[str, Any], now: float) -> int:
    """Until when the token could be used, in whole seconds."""
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    begins = _moment(claims, "nbf") if "nbf" in claims else issued
    if expires <= now - LEEWAY:
        raise TokenRefused(TokenReason.EXPIRED)
    if max(issued, begins) > now + LEEWAY:
        raise TokenRefused(TokenReason.NOT_YET)
    if not 0 < expires - issued <= LONGEST_LIFE or begins >= expires:
        raise TokenRefused(TokenReason.LIFETIME)
    return math.ceil(expires) + LEEWAY


def _moment(claims: Mapping[str, Any], name: str) -> float:
    """A NumericDate: seconds since 1970, not always whole (RFC 7519 2)."""
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < _LATEST:
        raise TokenRefused(TokenReason.CLAIMS)
    return found


def _signed(token: str, trust: Trust, keys: KeySource, kid: str, algorithm: str, jku: str) -> None:
    if algorithm not in trust.algorithms:
        raise TokenRefused(TokenReason.ALGORITHM)
    allowed = {one.url for one in trust.keys.addresses}
    # Where an entry has a file only, `jku` is not looked at: its owner registered the keys out of band.
    if jku and allowed and jku not in allowed:
        raise TokenRefused(TokenReason.KEY_ADDRESS)
    try:
        key = keys.find(trust, kid, algorithm, jku if allowed else "")
    except Unreachable as error:
        raise TokenRefused(TokenReason.KEYS_UNREACHABLE) from error
    if key is None or not key.fits(algorithm):
        raise TokenRefused(TokenReason.KEY_UNKNOWN)
    try:
        PyJWS().decode_complete(token, key=key.public, algorithms=[algorithm])
    except PyJWTError as error:
        raise TokenRefused(TokenReason.SIGNATURE) from error
