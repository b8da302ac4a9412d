"""`cds-service evaluate` and `explain`: one patient in the terminal."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from cds_service.cases import fixtures
from cds_service.cli import cards as cards_in_words
from cds_service.cli.content import cards_option, environment, fixtures_folder, rule_base
from cds_service.decision import Decision, History, Policy, answer
from cds_service.failures import Failure, Kind
from cds_service.fhir import dates
from cds_service.hooks import encoding, necessary, prefetch
from cds_service.hooks import request as requests
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.regions import for_region
from cds_service.rules.evaluation import trace

_MARKS = {True: "yes    ", False: "no     ", None: "unknown"}

file_argument = click.argument("file")
hook_option = click.option(
    "--hook",
    default="patient-view",
    show_default=True,
    help="Hook to evaluate a bundle at; a hook request says its own.",
)
now_option = click.option(
    "--now", metavar="TIME", default="", help="Evaluate as of this ISO 8601 time (default: now)."
)


@click.command()
@file_argument
@hook_option
@now_option
@cards_option
@click.option(
    "--json", "as_json", is_flag=True, help="The response body, with the evaluation of every rule."
)
def evaluate(file: str, hook: str, now: str, cards: str, as_json: bool) -> None:
    """Show the cards for one patient.

    FILE is a FHIR bundle, a CDS Hooks request, `-` for standard input, or the name of a fixture
    patient (such as `pad-risk`), which is moved to the present day. A name that there is none of
    (`cds-service evaluate ?`) lists them all; so does the page of `cds-service serve --demo`.
    """
    decision, _ = _decided(file, hook, now, cards)
    body = encoding.response(decision.cards, decision.evaluation(), decision.not_read())
    if as_json:
        click.echo(msgspec.json.format(body, indent=2).decode())
        return
    if not decision.cards:
        click.echo("No card. `cds-service explain` says why, rule by rule.")
    cards_in_words.show(msgspec.json.decode(body)["cards"])


@click.command()
@file_argument
@hook_option
@now_option
@cards_option
def explain(file: str, hook: str, now: str, cards: str) -> None:
    """Say for every rule what came of it, whether it is shown, and why.

    FILE as for `evaluate`.
    """
    decision, found = _decided(file, hook, now, cards)
    for finding in sorted(decision.findings, key=lambda one: one.rule):
        rule = found.rules[finding.rule]
        reason = finding.shown_reason or finding.reason
        side = f", {finding.side}" if finding.side else ""
        level = f" {finding.indicator}" if finding.indicator else ""
        tail = f" ({reason})" if reason else ""
        click.secho(
            f"\n{rule.id} v{rule.version}: {finding.outcome}{level}{side} → {finding.shown}{tail}",
            bold=True,
        )
        click.echo(f"  {rule.title}")
        if finding.shown == "not-this-hook":
            continue
        for name, fact in trace(rule, decision.facts):
            why = f" ({fact.reason})" if fact.reason else ""
            shown = f": {cards_in_words.wrapped(fact.data[0].text).strip()}" if fact.data else ""
            click.echo(f"    {_MARKS[fact.value]} {name}{shown}{why}")
        if finding.missing:
            click.echo(f"    to settle it: {', '.join(finding.missing)}")
    if decision.settles:
        click.secho("\nWhat would settle most", bold=True)
        for name, ids in decision.settles[:8]:
            click.echo(f"  {found.facts[name].ask or found.facts[name].label}: {', '.join(ids)}")
    for what, why in decision.facts.undelivered:
        click.echo(f"  not read: {what} ({why})")


def _decided(file: str, hook: str, now: str, cards: str) -> tuple[Decision, RuleBase]:
    config = environment()
    found = for_region(rule_base(cards), config.region)
    moment = _moment(now)
    body, hook = _request(file, hook, moment, found)
    services = found.services_for(hook)
    if not services:
        known = ", ".join(sorted({one.hook for one in found.services.values()}))
        raise click.UsageError(f"there is no service at the hook {hook!r}; hooks: {known}")
    service = services[0]
    request = requests.parse(body, service=service.id, hook=hook, client="cli")
    evidence = prefetch.read(
        request.prefetch,
        service.prefetch,
        request.question.patient,
        request.draft_orders,
        request.question.encounter,
        request.question.fhir_server,
    )
    necessary.demand_necessary(evidence)
    said = request.extension.get(requests.NOW_EXTENSION)
    if not now and isinstance(said, str):
        moment = _moment(said)
    decision = answer(
        request.question,
        evidence,
        found,
        moment,
        config.timezone,
        History(),
        Policy(evaluation=True),
    )
    return decision, found


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    span = dates.parse(text, UTC)
    if span is None or not span.precise:
        raise click.UsageError(f"{text!r} is not an ISO 8601 time such as 2026-11-22T09:00:00Z")
    return span.start


def _request(file: str, hook: str, now: datetime, found: RuleBase) -> tuple[bytes, str]:
    """The body of a hook request: the file's own, or one made from a bundle."""
    value, raw = _loaded(file, now)
    if "hook" in value:
        return raw, str(value["hook"])
    if value.get("resourceType") != "Bundle":
        raise click.UsageError("the file holds neither a FHIR Bundle nor a CDS Hooks request")
    services = found.services_for(hook)
    if not services:
        return b"{}", hook
    made = fixtures.hook_request(value, services[0])
    return fixtures.encoded(made), hook


def _loaded(file: str, now: datetime) -> tuple[dict[str, Any], bytes]:
    if file == "-":
        raw = sys.stdin.buffer.read()
    elif Path(file).is_file():
        raw = Path(file).read_bytes()
    elif "/" not in file and not file.endswith(".json"):
        bundle = fixtures.shifted(fixtures.load(fixtures_folder(), file), now)
        return bundle, fixtures.encoded(bundle)
    else:
        raise click.UsageError(f"there is no file {file}")
    try:
        value = fixtures.read(raw)
    except (ValueError, RecursionError) as error:
        raise Failure(Kind.INCORRECT, "is not JSON", where=file) from error
    if not isinstance(value, dict):
        raise Failure(Kind.INCORRECT, "must be a JSON object", where=file)
    return value, raw
