"""Clients with real keys, and the tokens they make: good ones, and every bad one there is."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from cds_service.clients import jwks
from cds_service.clients.jwks import Key

ISSUER = "https://fhir.example.org/api/FHIR/R4"
JKU = "https://fhir.example.org/.well-known/jwks.json"
BASE = "https://cds.example.org"
SERVICE = f"{BASE}/cds-services/heavy-legs-patient-view"
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


class Signer(msgspec.Struct, frozen=True):
    """A key pair: its private half signs, its public half is what a clients file knows."""

    kid: str
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        """Return the public half."""
        return {"kid": self.kid, "use": "sig", **self._told(self.private.public_key())}

    @property
    def private_jwk(self) -> dict[str, Any]:
        """Return the private half, as nobody should put it into a file of ours."""
        return {"kid": self.kid, **self._told(self.private)}

    @property
    def key(self) -> Key:
        """Return the public half as the service reads it."""
        [found] = jwks.parse(jwk_set(self)).keys
        return found

    def _told(self, key: Any) -> dict[str, Any]:
        kind = self.algorithm[:2]
        algorithm: Any = {"ES": ECAlgorithm, "Ed": OKPAlgorithm}.get(kind, RSAAlgorithm)
        told: dict[str, Any] = algorithm.to_jwk(key, as_dict=True)
        return told

    def token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Return a token; a claim or header given as `...` is left out."""
        named = {"typ": "JWT", "kid": self.kid, **(header or {})}
        algorithm = str(named.pop("alg", self.algorithm))
        left_out = {name for name, value in named.items() if value is ...}
        kept = {name: value for name, value in named.items() if name not in left_out}
        if "typ" in left_out:
            kept["typ"] = None  # PyJWT's way of leaving it out
        return jwt.encode(self.claims(**claims), self.private, algorithm, headers=kept)

    @staticmethod
    def claims(**changed: Any) -> dict[str, Any]:
        """Return good claims, some of them changed."""
        now = int(time.time())
        whole = {"iss": ISSUER, "aud": SERVICE, "iat": now, "exp": now + 300, "jti": str(uuid4())}
        return {name: value for name, value in {**whole, **changed}.items() if value is not ...}


def jwk_set(*signers: Signer) -> bytes:
    """Return the public keys of some signers as a JWK set."""
    return json.dumps({"keys": [one.jwk for one in signers]}).encode()


@cache
def signer(algorithm: str = "ES384", kid: str = "key-1") -> Signer:
    """Return a signer, always the same one for an algorithm and a name."""
    if algorithm in CURVES:
        curve: Any = CURVES[algorithm]
        return Signer(kid, algorithm, ec.generate_private_key(curve()))
    if algorithm == "EdDSA":
        return Signer(kid, algorithm, ed25519.Ed25519PrivateKey.generate())
    return Signer(kid, algorithm, rsa.generate_private_key(65537, 2048))


def raw(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """Return a token put together by hand."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)


def written(folder: Path, *signers: Signer, **entry: Any) -> Path:
    """Write a clients file with one client, `st-elsewhere`, and its key file; return its path."""
    (folder / "keys.json").write_bytes(jwk_set(*(signers or (signer(),))))
    whole = {"issuer": ISSUER, "keys": {"file": "keys.json"}, **entry}
    return clients_file(folder, {"st-elsewhere": whole})


def clients_file(folder: Path, clients: Mapping[str, Any], **more: Any) -> Path:
    """Write a clients file; JSON is YAML."""
    path = folder / "clients.yaml"
    path.write_text(json.dumps({"clients": clients, **more}, indent=1), "utf-8")
    return path


Maker = Callable[[], str]
