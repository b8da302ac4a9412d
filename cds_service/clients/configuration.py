"""What the service runs with, as an event: whoever reads the log can tell why a rule said nothing."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

import msgspec

from cds_service import __version__
from cds_service.audit.chain import canonical
from cds_service.audit.event import ClientConfigured, Configured, RuleBaseUsed, moment
from cds_service.clients.model import Client, Clients
from cds_service.rulebase.model import RuleBase


def of_configuration(
    clients: Clients, rule_base: RuleBase, *, time: datetime, software: str = __version__
) -> Configured:
    """The event of a configuration: every client's choices about rules, by name.

    Args:
        clients: all of them, `anonymous` included.
        rule_base: as content has it: what a client's thresholds are compared with.
        time: now; aware.
        software: the version that runs.
    """
    found = tuple(of_client(one, rule_base) for one in _all(clients))
    said = Configured(
        time="",
        software=software,
        digest=clients.digest,
        configuration="",
        rule_base=RuleBaseUsed(rule_base.version, rule_base.digest),
        off=tuple(sorted(clients.off)),
        silent=tuple(sorted(clients.silent)),
        clients=found,
    )
    configuration = sha256(canonical(said)).hexdigest()
    return msgspec.structs.replace(said, time=moment(time), configuration=configuration)


def _all(clients: Clients) -> Iterator[Client]:
    if clients.anonymous is not None:
        yield clients.anonymous
    for name in sorted(clients.known):
        yield clients.known[name]


def of_client(client: Client, rule_base: RuleBase) -> ClientConfigured:
    """One client's choices about rules; `rule_base` as content has it, so that differences are told."""
    policy, own = client.policy, client.rule_base
    quiet = policy.disabled | policy.silent
    return ClientConfigured(
        client=client.name,
        rule_base=own.digest,
        off=tuple(sorted(policy.disabled)),
        silent=tuple(sorted(policy.silent)),
        red_flags=tuple(sorted(one for one in quiet if own.rules[one].red_flag)),
        silent_mode=policy.silent_mode,
        thresholds={
            name: _told(one.values)
            for name, one in sorted(own.thresholds.items())
            if one.values != rule_base.thresholds[name].values
        },
        orders=tuple(name for name, one in sorted(own.orders.items()) if one != rule_base.orders[name]),
        services=tuple(sorted(client.services)),
    )


def _told(values: Mapping[str, Decimal]) -> dict[str, str]:
    return {unit: str(value) for unit, value in values.items()}
