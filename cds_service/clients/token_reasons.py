"""Why a token proves nothing: all the reasons there are, and the limits that they name."""

from collections.abc import Mapping
from enum import StrEnum

LEEWAY = 60  # seconds by which clocks may differ (requirement 56)
# The longest a token may be good for, from `iat` to `exp`. Seen: 300 s (the sandbox), 900 s (Epic's
# example); an hour is what the best practices keep a `jti` for (requirements 55, 73, 93).
LONGEST_LIFE = 3600
LONGEST = 8192  # characters; seen: below 1,000
# Keys that a token brings along or points to by other means than `jku`; extensions that must be
# understood, of which none is (RFC 7515 4.1.3, 4.1.5, 4.1.6, 4.1.11; RFC 7797).
NEVER = ("crit", "jwk", "x5u", "x5c", "b64", "zip", "enc")


class TokenReason(StrEnum):
    """Why a call was refused: all the words there are, for the log."""

    NO_TOKEN = "no-token"  # noqa: S105 - a word
    NOT_BEARER = "not-bearer"
    MALFORMED = "malformed"
    TOO_LONG = "too-long"
    HEADER = "header"
    ISSUER = "issuer-unknown"
    CLAIMS = "claims"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not-yet"
    LIFETIME = "lifetime"
    TENANT = "tenant"
    SUBJECT = "subject"
    ALGORITHM = "algorithm"
    KEY_ADDRESS = "key-address"
    KEY_UNKNOWN = "key-unknown"
    KEYS_UNREACHABLE = "keys-unreachable"
    SIGNATURE = "signature"
    REPLAYED = "replayed"
    FORWARDED = "forwarded"


# What each word means and what to do about it, for those who read the log.
MEANINGS: Mapping[TokenReason, str] = {
    TokenReason.NO_TOKEN: "the call has no `Authorization` header",
    TokenReason.NOT_BEARER: "the `Authorization` header is not one `Bearer` token",
    TokenReason.MALFORMED: "the token is not three base64url parts that hold JSON objects",
    TokenReason.TOO_LONG: f"the token has more than {LONGEST} characters",
    TokenReason.HEADER: "the token's header has no `kid`, another `typ` than `JWT`, or one of "
    + ", ".join(f"`{one}`" for one in NEVER),
    TokenReason.ISSUER: "no client of the clients file has this `iss`, character for character",
    TokenReason.CLAIMS: "`iss`, `aud`, `exp`, `iat` or `jti` is missing, or a claim is of the wrong "
    "type or too long",
    TokenReason.AUDIENCE: "`aud` is neither the address called, below CDS_PUBLIC_URL, nor one of the "
    "client's `audience`",
    TokenReason.EXPIRED: f"`exp` is past by more than {LEEWAY} s",
    TokenReason.NOT_YET: f"`iat` or `nbf` is more than {LEEWAY} s ahead: does one of the clocks "
    "go wrong?",
    TokenReason.LIFETIME: f"the token is good for more than {LONGEST_LIFE} s, or ends before it begins",
    TokenReason.TENANT: "`tenant` is none of those of a client with this issuer",
    TokenReason.SUBJECT: "`sub` is none of the client's `subject`",
    TokenReason.ALGORITHM: "`alg` is none of the client's `algorithms`",
    TokenReason.KEY_ADDRESS: "`jku` is none of the client's `keys.jku`",
    TokenReason.KEY_UNKNOWN: "no key of the client has this `kid` and fits the algorithm",
    TokenReason.KEYS_UNREACHABLE: "the client's key set could not be fetched, and none that was fetched "
    "before may still be used",
    TokenReason.SIGNATURE: "the signature is not that of the key",
    TokenReason.REPLAYED: "the token (`iss` and `jti`) was used before",
    TokenReason.FORWARDED: "the call came through a proxy, or by a name that is not this machine's, and "
    "nobody has said who may call a service that was started for this machine alone: set "
    "CDS_PUBLIC_URL and CDS_CLIENTS, or CDS_AUTH=off where whoever reaches it may call",
}


class TokenRefused(Exception):  # noqa: N818 - an answer, not an error of ours
    """A token that proves nothing.

    Args:
        reason: why.
        client: the name of the client it would have been, where that is known.
    """

    def __init__(self, reason: TokenReason, client: str = "") -> None:
        """Keep the reason, for the log alone."""
        super().__init__(reason.value)
        self.reason = reason
        self.client = client
