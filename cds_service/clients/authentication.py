"""Who calls: the `Authorization` header of a call, and the client it proves (requirements 50 to 58)."""

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from cds_service.clients import tokens
from cds_service.clients.model import Caller, Clients
from cds_service.clients.refusals import Refusals
from cds_service.clients.replay import Replay
from cds_service.clients.token_reasons import TokenReason, TokenRefused
from cds_service.clients.tokens import KeySource
from cds_service.failures import Failure, Kind

# One token; a comma would be a second header that the server has joined to the first (RFC 9110 5.3).
_BEARER = re.compile(r"bearer +([^\s,]+)", re.IGNORECASE)

NONE: frozenset[TokenReason] = frozenset()  # every call needs a good token
WITHOUT = frozenset({TokenReason.NO_TOKEN})  # no token is needed, and one that is there must be good
# The same for known clients; what others sent cannot be checked, proves nothing and gives nothing.
STRANGERS = frozenset(
    {
        TokenReason.NO_TOKEN,
        TokenReason.NOT_BEARER,
        TokenReason.TOO_LONG,
        TokenReason.MALFORMED,
        TokenReason.HEADER,
        TokenReason.ISSUER,
    }
)


class Authentication:
    """The door. One for each process; safe for threads."""

    def __init__(
        self,
        bases: Iterable[str],
        keys: KeySource,
        replay: Replay,
        refusals: Refusals,
    ) -> None:
        """A door.

        Args:
            bases: the URLs that the service is known by, without a last slash; `aud` is compared with
                what is called below them, never with the Host header (requirement 57).
            keys: where keys are looked up.
            replay: what was used before.
            refusals: counts who was not let in.
        """
        self._bases = tuple(bases)
        self._keys = keys
        self._replay = replay
        self.refusals = refusals

    def caller(
        self,
        clients: Clients,
        header: str | None,
        path: str,
        now: float,
        *,
        passes: AbstractSet[TokenReason],
    ) -> Caller | None:
        """The caller whom the header of a call proves; None where it proves nobody and need not.

        Args:
            clients: those who may call.
            header: the `Authorization` header, None without one.
            path: of the address called.
            now: seconds since 1970.
            passes: the reasons that leave the caller a nobody instead of refusing the call: `NONE`,
                `WITHOUT` or `STRANGERS`.

        Raises:
            Failure: unauthenticated, without a word on why; the log has it. Unavailable when nobody
                can tell whether a token was used before.
        """
        try:
            return self._proven(clients, header, path, now)
        except TokenRefused as refused:
            if refused.reason in passes:
                return None
            self.refusals.add(refused.reason, refused.client)
        raise unproven()

    def _proven(self, clients: Clients, header: str | None, path: str, now: float) -> Caller:
        if header is None:
            raise TokenRefused(TokenReason.NO_TOKEN)
        found = _BEARER.fullmatch(header.strip())
        if found is None:
            raise TokenRefused(TokenReason.NOT_BEARER)
        endpoints = frozenset(tokens.canonical(base + path) for base in self._bases)
        proof = tokens.check(found[1], clients, endpoints, self._keys, now)
        if not self._replay.first(proof.issuer, proof.jti, proof.expires, now):
            raise TokenRefused(TokenReason.REPLAYED, proof.client.name)
        self.refusals.tell()
        return Caller(proof.client, proof.tenant)


def unproven() -> Failure:
    """The one answer to a caller who proved nothing."""
    return Failure(Kind.UNAUTHENTICATED, "the caller did not prove who it is")
