"""What a client's entry says about one call: the services it may use, the reasons it gives."""

from collections.abc import Mapping

from cds_service.clients.model import Client
from cds_service.hooks.feedback import Feedback
from cds_service.hooks.service import Service


def services_of(client: Client) -> Mapping[str, Service]:
    """The services that a client may call and finds in discovery, by id.

    To it there are no others: a call of one that it was not given ends as for an id that nobody knows
    (404), and says nothing about what other clients use.
    """
    known = client.rule_base.services
    return {id_: one for id_, one in known.items() if not client.services or id_ in client.services}


def reason_meant(client: Client, said: Feedback) -> str:
    """The name of our override reason that the client's code stands for; empty when it has said none.

    The code of the card's reason goes before the EHR's own beside it.
    """
    names = (client.override_reasons.get(code, "") for code in (said.reason, said.own_reason))
    return next(filter(None, names), "")


def known_reasons(client: Client) -> frozenset[str]:
    """The codes and systems of override reasons that are ours, or that the client's entry translates."""
    codings = [one.coding for one in client.rule_base.override_reasons.values()]
    return frozenset(text for one in codings for text in (one.code, one.system)).union(
        client.override_reasons
    )
