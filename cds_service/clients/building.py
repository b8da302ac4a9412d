"""The entries of a clients file as values."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from cds_service.clients import checks
from cds_service.clients.jwks import Key
from cds_service.clients.model import (
    ALGORITHMS,
    ANONYMOUS,
    Client,
    Clients,
    FhirServer,
    KeyAddress,
    Keys,
    Trust,
)
from cds_service.clients.tailoring import tailored
from cds_service.failures import Failure
from cds_service.rulebase.model import Coded, RuleBase
from cds_service.rulebase.reading import Path
from cds_service.rules.model import Policy
from cds_service.settings import Settings

Entry = Mapping[str, Any]


class Standing(msgspec.Struct, frozen=True):
    """What holds where the clients file says nothing.

    Attributes:
        region: whose numbers count.
        evaluation: every rule's result is on a response.
        relative_dates: prefetch templates use `today()`.
    """

    region: str = ""
    evaluation: bool = False
    relative_dates: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Standing":
        """What the settings say."""
        return cls(settings.region, settings.demo, settings.relative_dates)


class Builder:
    """Makes the clients of one file, whose shape and names are known to be right."""

    def __init__(self, rule_base: RuleBase, standing: Standing, value: Entry) -> None:
        """A builder for the plain value of a clients file."""
        self._rule_base = rule_base
        self._standing = standing
        self._value = value
        self._tailored: dict[str, RuleBase] = {}

    def clients(self, keys: Mapping[str, tuple[Key, ...]], digest: str) -> Clients:
        """All of them; `keys` are those of the key files, by client.

        Raises:
            Failure: incorrect, for what `unfit` would have told.
        """
        known = {
            name: self._client(name, entry, _trust(entry, keys.get(name, ())))
            for name, entry in self._value.get("clients", {}).items()
        }
        everywhere = self._value.get("off", {})
        return Clients(
            known,
            self._client(ANONYMOUS, self._value.get("anonymous", {}), None),
            digest,
            off=frozenset(everywhere.get("rules", ())),
            silent=frozenset(everywhere.get("silent", ())),
        )

    def unfit(self) -> Iterator[tuple[Path, str]]:
        """Regions, thresholds and order codes that the rule base cannot take: each thing by itself."""
        for at, entry in checks.entries(self._value):
            region = {"region": entry["region"]} if "region" in entry else {}
            wrong = self._wrong(region)
            if wrong:
                yield (*at, "region"), wrong
                region = {}
            for section in ("thresholds", "order-codes", "override-reasons"):
                for name, told in entry.get(section, {}).items():
                    wrong = self._wrong({**region, section: {name: told}})
                    if wrong:
                        yield (*at, section, name), wrong

    def _wrong(self, entry: Entry) -> str:
        try:
            self._rules_of(entry)
        except Failure as failure:
            return failure.what
        return ""

    def _client(self, name: str, entry: Entry, trust: Trust | None) -> Client:
        return Client(
            name,
            self._rules_of(entry),
            self._policy(entry),
            trust=trust,
            fhir_servers=tuple(_fhir_server(one) for one in entry.get("fhir-servers", ())),
            services=frozenset(entry.get("services", ())),
            override_reasons={code: reason for code, reason, _ in _reasons(entry)},
            origins=tuple(entry.get("origins", ())),
            region=self._region(entry),
            zone=entry.get("zone", ""),
            rate=entry.get("rate", ""),
            relative_dates=entry.get("relative-dates", self._standing.relative_dates),
        )

    def _policy(self, entry: Entry) -> Policy:
        everywhere, own = self._value.get("off", {}), entry.get("rules", {})
        return Policy(
            card_cap=entry.get("cards"),
            disabled=frozenset((*everywhere.get("rules", ()), *own.get("off", ()))),
            silent=frozenset((*everywhere.get("silent", ()), *own.get("silent", ()))),
            silent_mode=entry.get("silent-mode", False),
            evaluation=entry.get("evaluation", self._standing.evaluation),
            intent=entry.get("intent", "proposal"),
        )

    def _region(self, entry: Entry) -> str:
        region: str = entry.get("region", self._standing.region)
        return region

    def _rules_of(self, entry: Entry) -> RuleBase:
        """The rule base with an entry's choices; one for all entries that choose alike."""
        region = self._region(entry)
        thresholds = {
            name: {unit: Decimal(str(number)) for unit, number in values.items()}
            for name, values in entry.get("thresholds", {}).items()
        }
        codes = {name: _codings(told) for name, told in entry.get("order-codes", {}).items()}
        # Of several codes for one reason the first is offered; all are understood.
        reasons = {
            reason: Coded(system, code) for code, reason, system in reversed(_reasons(entry)) if system
        }
        told = [region, thresholds, entry.get("order-codes"), msgspec.to_builtins(reasons)]
        same = json.dumps(told, default=str, sort_keys=True)
        if same not in self._tailored:
            self._tailored[same] = tailored(
                self._rule_base,
                region=region,
                thresholds=thresholds,
                order_codes=codes,
                reason_codes=reasons,
            )
        return self._tailored[same]


def _codings(told: Iterable[Entry]) -> tuple[Coded, ...]:
    return tuple(Coded(one["system"], one["code"], one.get("display", "")) for one in told)


def _reasons(entry: Entry) -> list[tuple[str, str, str]]:
    """The client's code of an override reason, the name of ours, and the code system if it says one."""
    return [
        (code, told, "") if isinstance(told, str) else (code, told["reason"], told["system"])
        for code, told in entry.get("override-reasons", {}).items()
    ]


def _trust(entry: Entry, known: tuple[Key, ...]) -> Trust:
    addresses = tuple(_key_address(one) for one in entry["keys"].get("jku", ()))
    return Trust(
        issuer=entry["issuer"],
        keys=Keys(known, addresses),
        algorithms=tuple(entry.get("algorithms", ALGORITHMS)),
        audiences=tuple(entry.get("audience", ())),
        subjects=tuple(entry.get("subject", ())),
        tenants=tuple(entry.get("tenants", ())),
    )


def _key_address(told: str | Entry) -> KeyAddress:
    if isinstance(told, str):
        return KeyAddress(told)
    return KeyAddress(
        told["url"], plain_http=told.get("plain-http", False), private=told.get("private", False)
    )


def _fhir_server(told: str | Entry) -> FhirServer:
    if isinstance(told, str):
        return FhirServer(told.rstrip("/"))
    return FhirServer(
        told["base"].rstrip("/"),
        plain_http=told.get("plain-http", False),
        private=told.get("private", False),
    )
