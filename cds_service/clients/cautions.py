"""What a clients file may say and somebody should know of: told at each start, reload and check."""

from collections.abc import Iterator

from cds_service.clients.model import Client, Clients
from cds_service.rulebase.model import Rule


def cautions(clients: Clients) -> Iterator[str]:
    """Red flags that are kept quiet, and clients whose clinicians see nothing: a sentence each."""
    for client in clients.everybody:
        for name in sorted(client.policy.disabled | client.policy.silent):
            if grave := _grave(client.rule_base.rules[name]):
                yield f"{_whose(client, clients, name)}: {grave} {name} is {_how(client, name)}"
        if client.policy.silent_mode:
            yield f"{client.name}: silent mode, nobody is shown a card, not even a critical one"


def _grave(rule: Rule) -> str:
    """What a rule is whose silence somebody should know of; empty for any other."""
    if rule.red_flag:
        return "the red flag"
    critical = any(level.indicator == "critical" for level in rule.levels)
    return "the rule of a critical card" if critical else ""


def _how(client: Client, name: str) -> str:
    return "switched off" if name in client.policy.disabled else "silent"


def _whose(client: Client, clients: Clients, name: str) -> str:
    for_all = name in clients.off | clients.silent
    return f"{client.name} (as for all)" if for_all else client.name
