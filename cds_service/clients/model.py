"""A client as the clients file describes it, and the caller of one request.

One entry is one EHR installation that calls us. What it may do stands here and nowhere else: which
tokens prove that it is who it says, which FHIR servers may be asked for its patients, which services it
calls, what its clinicians are shown.
"""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from cds_service.clients.jwks import Key
from cds_service.rulebase.model import RuleBase
from cds_service.rules.model import Policy

ANONYMOUS = "anonymous"  # who calls where callers are not authenticated
# What the algorithms of a token may be where its issuer's entry lists none (requirement 53).
ALGORITHMS = ("ES384", "RS384")


class FhirServer(msgspec.Struct, frozen=True):
    """A FHIR base URL that may be asked for this client's patients.

    Attributes:
        base: the URL without a last slash, compared as a whole: scheme, host, port and path.
        plain_http: `http` is allowed. Else only `https` is.
        private: its host may have a private, loopback or link-local address.
    """

    base: str
    plain_http: bool = False
    private: bool = False


class KeyAddress(msgspec.Struct, frozen=True):
    """A URL that a client publishes its public keys at, and that its tokens may name (`jku`).

    Attributes:
        url: compared with a token's `jku` as it stands.
        plain_http: `http` is allowed. Else only `https` is.
        private: its host may have a private, loopback or link-local address.
    """

    url: str
    plain_http: bool = False
    private: bool = False


class Keys(msgspec.Struct, frozen=True):
    """Where public keys come from: a JWK set file, read with the clients file, and URLs."""

    known: tuple[Key, ...] = ()
    addresses: tuple[KeyAddress, ...] = ()


class Trust(msgspec.Struct, frozen=True):
    """What a token of this client must look like (requirements 51 to 57).

    Attributes:
        issuer: its `iss`, exactly.
        keys: what its signature is checked with.
        algorithms: the only ones that are taken.
        audiences: what `aud` may be beside the public URL of the endpoint called.
        subjects: what `sub` must be one of, where there are any.
        tenants: what `tenant` must be one of, where there are any.
    """

    issuer: str
    keys: Keys
    algorithms: tuple[str, ...] = ALGORITHMS
    audiences: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()


class Client(msgspec.Struct, frozen=True):
    """One client.

    Attributes:
        name: what audit, logs and history call it; never told to a caller.
        rule_base: the rule base as it stands for this client: its region, thresholds and order codes
            are in it, and in its digest.
        policy: what the client has chosen about rules and cards.
        trust: None for `anonymous`, who proves nothing.
        fhir_servers: those that may be asked; where there are none, nothing is fetched.
        services: ids of the services it may call; empty means all.
        override_reasons: a reason's code as this client says it → the name of ours.
        origins: origins of its own, beside those of the settings, that may call from a browser.
        region: whose practice its numbers follow; empty where neither it nor the settings say one.
        zone: the IANA zone of its dates; empty takes the setting's.
        rate: calls it may make, as `limits` writes it (`20/second`); empty takes the setting's.
        relative_dates: its client resolves `today()` in prefetch templates.
    """

    name: str
    rule_base: RuleBase
    policy: Policy = Policy()
    trust: Trust | None = None
    fhir_servers: tuple[FhirServer, ...] = ()
    services: frozenset[str] = frozenset()
    override_reasons: Mapping[str, str] = {}
    origins: tuple[str, ...] = ()
    region: str = ""
    zone: str = ""
    rate: str = ""
    relative_dates: bool = False


class Clients(msgspec.Struct, frozen=True, dict=True):
    """Every client, and who calls without a token.

    Attributes:
        known: name → client.
        anonymous: the client of calls that are not authenticated; None refuses them (401).
        digest: of the clients file; empty without one.
        off: ids of the rules that are switched off for every client; each one's policy holds them too.
        silent: the same of rules that are evaluated and not shown.
    """

    known: Mapping[str, Client]
    anonymous: Client | None = None
    digest: str = ""
    off: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()

    @property
    def everybody(self) -> tuple[Client, ...]:
        """Every client, and `anonymous` last where it may call."""
        return (*self.known.values(), *((self.anonymous,) if self.anonymous else ()))

    @cached_property
    def by_issuer(self) -> Mapping[str, tuple[Client, ...]]:
        """Issuer → its clients: more than one where one EHR vendor signs for many tenants."""
        found: dict[str, tuple[Client, ...]] = {}
        for client in self.known.values():
            if client.trust is not None:
                found[client.trust.issuer] = (*found.get(client.trust.issuer, ()), client)
        return found


class Caller(msgspec.Struct, frozen=True):
    """Who made one call, as the door has established it.

    Attributes:
        client: whose choices hold.
        tenant: the `tenant` of its token; patients of two tenants are two patients.
        marks: our own words for what was special about the call, for the audit.
    """

    client: Client
    tenant: str = ""
    marks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What audit and history call the caller: the client, and the tenant where there is one."""
        return f"{self.client.name}/{self.tenant}" if self.tenant else self.client.name
