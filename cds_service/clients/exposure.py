"""What an operator should be told about who may call: sentences for the start and for the check."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from cds_service.clients.model import Client, Clients
from cds_service.environment import loopback
from cds_service.settings import Settings

# The key that the public sandbox signs with is in its source, private half included (requirement 73).
SANDBOX = "https://sandbox.cds-hooks.org"
SANDBOX_KEY = "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"


def exposures(clients: Clients, settings: Settings) -> Iterator[str]:
    """What is allowed, and should be meant."""
    if settings.auth == "off" and not loopback(settings.host) and clients.known:
        yield "CDS_AUTH=off beside a clients file: its clients need not prove anything."
    for url in settings.public_urls:
        if url.startswith("http://") and not loopback(urlsplit(url).hostname or ""):
            yield f"CDS_PUBLIC_URL is {url}: without TLS, tokens and patients' data lie open on the way."
    nobody = clients.anonymous
    named = {*(settings.origins or ()), *(nobody.origins if nobody else ())}
    if nobody is not None and nobody.fhir_servers and "*" in named:
        yield (
            "Any web page may call without a token (origin `*`), and so has the FHIR servers of "
            "`anonymous` asked about patients that it names. Name the origins that may call."
        )
    reached = not loopback(settings.host) or bool(settings.public_url)
    for client in clients.known.values():
        if reached and of_sandbox(client):
            yield (
                f"Client {client.name} is the public CDS Hooks sandbox: its private key is published, "
                "so ANYBODY can call as this client. Never where real patients are."
            )


def of_sandbox(client: Client) -> bool:
    """Whether a client's tokens can be made by anybody who has read the sandbox's source."""
    trust = client.trust
    if trust is None:
        return False
    return trust.issuer.rstrip("/") == SANDBOX or any(key.kid == SANDBOX_KEY for key in trust.keys.known)
