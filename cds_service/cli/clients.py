"""`cds-service clients`: what is wrong with a clients file, and what is wrong with a token."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from cds_service import content, fitness
from cds_service.cli.content import cards_folder, cards_option, environment
from cds_service.clients import jwks, loading, tokens
from cds_service.clients.building import Standing
from cds_service.clients.cautions import cautions
from cds_service.clients.configuration import of_client
from cds_service.clients.exposure import exposures
from cds_service.clients.keys import Fetch, KeyRing
from cds_service.clients.model import Client, Clients, FhirServer, KeyAddress
from cds_service.clients.token_reasons import MEANINGS, TokenRefused
from cds_service.clients.tokens import Unreachable
from cds_service.ehr.key_sets import fetcher
from cds_service.failures import BrokenClients, Failure, Kind
from cds_service.rulebase.model import RuleBase

file_argument = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), envvar="CDS_CLIENTS"
)


@click.group()
def clients() -> None:
    """Check the clients file, and tokens against it.

    The clients file says who may call the service, what proves it, and what each client has chosen:
    its FHIR servers, rules switched off or made silent, thresholds, codes for orders. An example with
    every key explained is deploy/clients.example.yaml. `serve` reads the file that CDS_CLIENTS names;
    after a change, check it, then have it read again: kill -HUP PID.
    """


@clients.command(
    epilog="""\b
Exit codes:
  0  it can be used
  1  it has problems, or with --fetch a key set cannot be had
  2  used wrongly, or there is no such file
"""
)
@file_argument
@cards_option
@click.option(
    "--fetch", is_flag=True, help="Fetch every key set from its URL as well, and say what came."
)
def check(file: Path, cards: str, *, fetch: bool) -> None:
    """Say all that is wrong with a clients file, each with its line; else what it allows.

    FILE is the clients file (else CDS_CLIENTS). Every name in it must be one of the rule base: rules,
    services, orders, thresholds, reasons, regions. Key files must hold public keys that fit the
    algorithms. Nothing is fetched unless --fetch is given.
    """
    rule_base = _rule_base(cards)
    found = _read(file, rule_base)
    for client in found.everybody:
        click.echo()
        for line in _described(client, rule_base):
            click.echo(line)
    click.echo()
    for name, what in (("off", found.off), ("silent", found.silent)):
        if what:
            click.secho(f"{name} for every client: {', '.join(sorted(what))}", fg="yellow")
    for caution in (*cautions(found), *exposures(found, environment())):
        click.secho(f"note: {caution}", fg="yellow")
    came = [_fetched(one) for one in _addresses(found)] if fetch else []
    noun = "client" if len(found.known) == 1 else "clients"
    click.echo(f"{file}: {len(found.known)} {noun}, digest {found.digest[:12]}")
    sys.exit(0 if all(came) else 1)


@clients.command(
    epilog="""\b
Example:
  cds-service clients token clients.yaml --url https://cds.example.org/cds-services < token.txt

\b
Exit codes:
  0  the token would be taken (if it was not used before)
  1  it would be refused; the reason is printed
  2  used wrongly
"""
)
@file_argument
@cards_option
@click.option(
    "--url",
    required=True,
    help="The address that is called with it, e.g. https://cds.example.org/cds-services.",
)
def token(file: Path, cards: str, url: str) -> None:
    """Say whether a token would be taken, and if not, why; the service tells callers nothing.

    The token is read from standard input, so that it stays out of the shell's history.

    FILE is the clients file (else CDS_CLIENTS). Prints the header, the claims and the verdict. Key sets
    are fetched as the service fetches them. Whether the token was used before is not looked at, and it
    is not used up.
    """
    text = sys.stdin.read().strip()
    text = text.removeprefix("Authorization:").strip().removeprefix("Bearer ").strip()
    found = _read(file, _rule_base(cards))
    try:
        endpoint = tokens.canonical(url)
    except ValueError as error:
        raise Failure(Kind.INCORRECT, "is no URL", where="--url") from error
    try:
        for title, members in zip(("header", "claims"), tokens.read(text), strict=True):
            click.echo(f"{title}:")
            for name, value in members.items():
                click.echo(f"  {name:8} {value!r}{_time(name, value)}")
        now = datetime.now(UTC).timestamp()
        proof = tokens.check(text, found, frozenset({endpoint}), KeyRing(_fetch()), now)
    except TokenRefused as refused:
        whose = f", as client {refused.client}" if refused.client else ""
        meaning = MEANINGS[refused.reason]
        click.secho(f"refused{whose}: {refused.reason}: {meaning}", fg="red", bold=True)
        sys.exit(1)
    whose = f"{proof.client.name}, tenant {proof.tenant}" if proof.tenant else proof.client.name
    click.secho(f"taken: client {whose}", fg="green", bold=True)


def _time(name: str, value: object) -> str:
    if name not in ("iat", "exp", "nbf") or not isinstance(value, int | float):
        return ""
    ahead = value - datetime.now(UTC).timestamp()
    return f"  ({abs(ahead):,.0f} s {'from now' if ahead > 0 else 'ago'})"


def _rule_base(cards: str) -> RuleBase:
    return fitness.load(content.texts(cards_folder(cards)), locked=False)


def _read(file: Path, rule_base: RuleBase) -> Clients:
    try:
        return loading.load(file, rule_base, Standing.of(environment()))
    except BrokenClients as broken:
        for problem in broken.problems:
            click.echo(str(problem), err=True)
        noun = "problem" if len(broken.problems) == 1 else "problems"
        click.secho(f"{len(broken.problems)} {noun}", fg="red", bold=True, err=True)
        sys.exit(1)


def _described(client: Client, rule_base: RuleBase) -> Iterator[str]:
    """What an entry allows, and how it differs from what holds for all."""
    own = of_client(client, rule_base)
    policy = client.policy
    trust = client.trust
    yield click.style(client.name, bold=True) + (
        "" if trust else "  (calls without a token, where authentication is off)"
    )
    known = [f"{key.kid} ({key.type} {key.curve or key.public.key_size})" for key in _keys(client)]
    lines: tuple[tuple[str, str], ...] = (
        ("issuer", trust.issuer if trust else ""),
        ("tenants", ", ".join(trust.tenants) if trust else ""),
        ("audience", ", ".join(trust.audiences) if trust else ""),
        ("subject", ", ".join(trust.subjects) if trust else ""),
        ("algorithms", ", ".join(trust.algorithms) if trust else ""),
        ("keys", ", ".join(known)),
        ("jku", ", ".join(one.url + _risks(one) for one in trust.keys.addresses) if trust else ""),
        (
            "FHIR",
            ", ".join(one.base + _risks(one) for one in client.fhir_servers)
            or "none: nothing is fetched",
        ),
        ("services", ", ".join(sorted(client.services)) or "all"),
        ("origins", ", ".join(client.origins)),
        ("rate", client.rate),
        ("region", client.region),
        ("zone", client.zone),
        ("rules off", ", ".join(sorted(policy.disabled))),
        ("silent", ", ".join(sorted(policy.silent))),
        ("thresholds", "; ".join(f"{name} {_in_units(told)}" for name, told in own.thresholds.items())),
        ("order codes", ", ".join(own.orders)),
        ("mode", "silent: no cards are shown" if policy.silent_mode else ""),
        ("cards", "" if policy.card_cap is None else f"at most {policy.card_cap}"),
        ("intent", "" if policy.intent == "proposal" else policy.intent),
        ("evaluation", "every rule's result is on each response" if policy.evaluation else ""),
        ("dates", "it resolves today()" if client.relative_dates else ""),
        ("overrides", ", ".join(sorted(client.override_reasons))),
        ("rule base", f"{client.rule_base.version}, digest {client.rule_base.digest[:12]}"),
    )
    for name, value in lines:
        if value:
            yield f"  {name:11} {value}"


def _in_units(told: Mapping[str, str]) -> str:
    return ", ".join(f"{number} {unit}".strip() for unit, number in told.items())


def _risks(one: FhirServer | KeyAddress) -> str:
    """What the entry allows at an address that is not allowed by itself."""
    marks = (("plain-http", one.plain_http), ("private", one.private))
    said = ", ".join(name for name, holds in marks if holds)
    return f" ({said})" if said else ""


def _keys(client: Client) -> Iterator[jwks.Key]:
    if client.trust is not None:
        yield from client.trust.keys.known


def _addresses(found: Clients) -> Iterator[KeyAddress]:
    trusts = [client.trust for client in found.known.values() if client.trust is not None]
    yield from dict.fromkeys(one for trust in trusts for one in trust.keys.addresses)


def _fetch() -> Fetch:
    return fetcher(str(environment().ca_file or ""))


def _fetched(address: KeyAddress) -> bool:
    """Fetch one key set and say what came; whether any key in it can be used."""
    try:
        found = jwks.parse(_fetch()(address))
    except (Unreachable, ValueError) as error:
        click.secho(f"{address.url}: {error}", fg="red", err=True)
        return False
    for key in found.keys:
        click.echo(f"{address.url}: key {key.kid} ({key.type} {key.curve or key.public.key_size})")
    for problem in found.problems:
        click.secho(f"{address.url}: {problem}", fg="yellow", err=True)
    return bool(found.keys)
