"""`cds-service rules find`, `codes` and `value-sets`: what there is, looked at from outside."""

import json
import sys
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import click

from cds_service import content
from cds_service.cli.content import cards_folder, cards_option, rule_base
from cds_service.rulebase import loader, search, uses
from cds_service.rulebase.concepts import Concept
from cds_service.rulebase.value_sets import value_set


@click.command()
@cards_option
@click.argument("words", nargs=-1, required=True)
def find(cards: str, words: tuple[str, ...]) -> None:
    """Find rules, facts, thresholds, code sets, phrases and orders by WORDS in name, label or content.

    Look before you define: what there is need not be written twice. Exit code 1 when nothing has all
    the words.
    """
    rule_base(cards)  # a broken rule base says so first
    documents, _ = loader.documents_of(content.texts(cards_folder(cards), cases=False))
    found = list(search.find(" ".join(words), documents))
    section_of = attrgetter("section")
    for section, group in groupby(sorted(found, key=section_of), key=section_of):
        click.secho(section, bold=True)
        for one in group:
            click.echo(f"  {one.name}: {one.called}  ({one.place})")
    if not found:
        click.echo(f"nothing is called {' '.join(words)!r}; try fewer words", err=True)
        sys.exit(1)


@click.command()
@cards_option
@click.argument("code")
def codes(cards: str, code: str) -> None:
    """Say where CODE counts: code sets, the facts and orders that read them, rules.

    CODE is looked up in every code system, the way codes of a record are: an ICD-10-CM or ATC code also
    through its stem, with or without its dot. Exit code 1 when it counts nowhere.
    """
    found = rule_base(cards)
    documents, _ = loader.documents_of(content.texts(cards_folder(cards)))
    all_uses = list(uses.of_code(code, found, documents))
    written = uses.orders_with(code, found)
    for title, group in groupby(all_uses, key=_title):
        click.secho(title, bold=True)
        for use in group:
            click.echo(f"  set {use.set.name}: {use.set.title}{_condition(use.concept)}")
            for section, name in use.readers:
                click.echo(f"    read by {section.removesuffix('s')} {name}")
            click.echo(f"    rules: {', '.join(use.rules) or 'none'}")
            click.echo(f"    source: {use.set.source}; {use.set.licence}")
    for order in written:
        click.echo(f"written on order {order.name}: {order.label}")
    if not all_uses and not written:
        click.echo(f"{code} counts nowhere in this rule base", err=True)
        sys.exit(1)


def _title(use: uses.Use) -> str:
    stem = " and all longer codes" if use.concept.prefix else ""
    return f"{use.concept.code} {use.concept.display} ({use.system}{stem})"


def _condition(concept: Concept) -> str:
    site = f"body site in {concept.needs_site}" if concept.needs_site else ""
    told = ", ".join(filter(None, [site, concept.side and f"side: {concept.side}"]))
    return f" [only with {told}]" if site else f" [{told}]" if told else ""


@click.command(name="value-sets")
@cards_option
@click.argument("names", nargs=-1, metavar="[SET]...")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file for each set into DIR instead of one Bundle to standard output.",
)
def value_sets(cards: str, names: tuple[str, ...], out: Path | None) -> None:
    """Export code sets as FHIR R4 ValueSets: all of them, or those named."""
    found = rule_base(cards)
    unknown = [name for name in names if name not in found.code_sets]
    if unknown:
        raise click.UsageError(
            f"there is no code set {unknown[0]!r}; `rules codes CODE` names the sets of a code"
        )
    made = [value_set(found.code_sets[name], found) for name in names or sorted(found.code_sets)]
    if out is None:
        entries = [{"fullUrl": one["url"], "resource": one} for one in made]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        click.echo(json.dumps(bundle, indent=2, ensure_ascii=False))
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for one in made:
            text = json.dumps(one, indent=2, ensure_ascii=False) + "\n"
            (out / f"{one['id']}.json").write_text(text, encoding="utf-8")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise click.ClickException(
            f"{out}: cannot be written to ({why}); name another folder"
        ) from error
    click.echo(f"{len(made)} value sets in {out}")
