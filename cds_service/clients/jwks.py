"""Public keys as a JWK set holds them (RFC 7517), and which algorithms each may be used with.

What a token says of its algorithm is never trusted to choose how a key is used: a key fits the
algorithms of its own type and curve, and no other (RFC 8725 3.1).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

# algorithm → (key type, curve); RFC 7518 3.1, RFC 8037. Nothing symmetric, and never `none`.
ALGORITHMS: Mapping[str, tuple[str, str]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
    "EdDSA": ("OKP", "Ed25519"),
}
_SHORTEST_RSA = 2048  # bits; RFC 7518 3.3
_LONGEST_RSA = 8192  # a longer one only costs time
_MOST_KEYS = 100
_LONGEST_NAME = 256
# Members that only a private or a shared key has; RFC 7518 6.2.2, 6.3.2, 6.4.
_SECRET = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


class Key(msgspec.Struct, frozen=True):
    """One public key.

    Attributes:
        kid: the name that tokens call it by.
        type: `RSA`, `EC` or `OKP`.
        curve: of an EC or OKP key.
        algorithm: the only one it is for, where the set says so.
        public: as the signature is checked with it.
    """

    kid: str
    type: str
    curve: str
    algorithm: str
    public: Any

    def fits(self, algorithm: str) -> bool:
        """Whether a token of this algorithm may be checked with it."""
        if self.algorithm and self.algorithm != algorithm:
            return False
        return ALGORITHMS.get(algorithm) == (self.type, self.curve)


class KeySet(msgspec.Struct, frozen=True):
    """What a JWK set holds: the keys that can be used, and what is wrong with the others."""

    keys: tuple[Key, ...]
    problems: tuple[str, ...] = ()


def _no_json(raw: bytes) -> str:
    if b"PRIVATE KEY-----" in raw:
        return (
            "holds a PRIVATE key: whoever reads this file can sign tokens with it. Take it away, have "
            "its owner replace it, and put a JWK set of public keys (RFC 7517) here"
        )
    if b"-----BEGIN " in raw:
        return "is PEM and not JSON: ask the client for its keys as a JWK set (RFC 7517)"
    return "is not JSON: it must be a JWK set (RFC 7517)"


def parse(raw: bytes) -> KeySet:
    """The keys of a JWK set; those that cannot be used are told apart, in words without key material.

    Raises:
        ValueError: it is no JWK set, in words that say why.
    """
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError(_no_json(raw)) from None
    members = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(members, list) or not members:
        raise ValueError('is no JWK set: an object with the array "keys" (RFC 7517)')
    if len(members) > _MOST_KEYS:
        raise ValueError(f"holds {len(members)} keys; {_MOST_KEYS} are read")
    keys: dict[str, Key] = {}
    problems: list[str] = []
    for number, member in enumerate(members, start=1):
        kid = member.get("kid") if isinstance(member, dict) else None
        named = f"key {kid!r}" if isinstance(kid, str) and len(kid) <= _LONGEST_NAME else f"key {number}"
        wrong = next(_wrong(member), "")
        made = None if wrong else _key(member)
        if made is None:
            problems.append(f"{named} {wrong or 'cannot be read as a public key'}")
        elif isinstance(made, str):
            problems.append(f"{named} {made}")
        elif made.kid in keys:
            problems.append(f"{named} stands twice")
        else:
            keys[made.kid] = made
    return KeySet(tuple(keys.values()), tuple(problems))


def _wrong(member: Any) -> Iterator[str]:
    if not isinstance(member, dict):
        yield "is no object"
        return
    kid = member.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_NAME:
        yield "has no `kid` that a token could name it by"
    if any(secret in member for secret in _SECRET):
        yield (
            "is a PRIVATE key (or a shared secret): whoever reads this file can sign tokens with it. "
            "Take it out, have its owner replace it, and put the public half here"
        )
    if member.get("use", "sig") != "sig":
        yield "is not for signatures (`use`)"
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        yield "is not for checking signatures (`key_ops`)"
    if not any(_shape(member) == shape for shape in ALGORITHMS.values()):
        yield "is of a type or curve that no algorithm here uses"
    if member.get("alg", "RS384") not in ALGORITHMS:
        yield "names an algorithm that is not taken"


def _shape(member: Mapping[str, Any]) -> tuple[Any, Any]:
    kind = member.get("kty")
    return kind, "" if kind == "RSA" else member.get("crv")


def _key(member: Mapping[str, Any]) -> Key | str | None:
    kind, curve = _shape(member)
    algorithm = next(name for name, shape in ALGORITHMS.items() if shape == (kind, curve))
    try:
        public = PyJWK(dict(member), algorithm).key
    except (PyJWTError, ValueError, TypeError):
        return None
    if isinstance(public, RSAPublicKey) and not _SHORTEST_RSA <= public.key_size <= _LONGEST_RSA:
        return f"has {public.key_size} bits; {_SHORTEST_RSA} to {_LONGEST_RSA} are taken"
    key = Key(member["kid"], kind, curve, member.get("alg", ""), public)
    if key.algorithm and not key.fits(key.algorithm):
        return f"names {key.algorithm}, which is not for its type"
    return key
