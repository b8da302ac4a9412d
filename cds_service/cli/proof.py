"""`cds-service rules coverage` and `mutate`: how much the cases beside the rules prove."""

import os
import sys
from collections.abc import Mapping, Sequence

import click

from cds_service import content
from cds_service.cases import mutation, running
from cds_service.cases.coverage import WORDS
from cds_service.cases.coverage import coverage as measured
from cds_service.cases.mutation import Mutant
from cds_service.cases.trial import Trial, surviving
from cds_service.cli.content import (
    cards_folder,
    cards_option,
    chosen_rule,
    fixtures_if_any,
    rule_base,
)
from cds_service.rulebase import loader, uses
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rulebase.reading import Document


@click.command()
@cards_option
@click.argument("rule", default="")
def coverage(cards: str, rule: str) -> None:
    """Report which facts of each rule its cases saw true, false and unknown; RULE limits it to one.

    Exit code 1 while a fact was never seen with a value that its kind can take.
    """
    found = rule_base(cards, cases=True)
    folder = fixtures_if_any()
    wanted = chosen_rule(found, rule).id if rule else ""
    cases = running.read(content.texts(cards_folder(cards)), found)
    chosen = [case for case in cases if not wanted or case.rule == wanted]
    hidden = not sys.stderr.isatty()
    with click.progressbar(chosen, label="cases", file=sys.stderr, hidden=hidden) as bar:
        outcomes = [running.run(case, found, folder) for case in bar]
    lacking = 0
    for one in measured(found, outcomes):
        if (wanted and one.rule != wanted) or not one.lacks:
            continue
        lacking += 1
        click.echo(f"{one.rule}: {one.fact} never {' or '.join(WORDS[value] for value in one.lacks)}")
    click.echo(f"{len(chosen)} cases, {lacking} facts of rules without a value they can take")
    sys.exit(1 if lacking else 0)


@click.command()
@cards_option
@click.argument("rule", default="")
def mutate(cards: str, rule: str) -> None:
    """Change the rules on purpose and report the changes that no case notices; RULE limits it to one.

    Each criterion of a rule, and of the facts made of others that it reaches, is left out, `all` and
    `any`, `none` and `unless` are swapped, each threshold moves by one step up and down. A change that
    survives shows what no case proves, unless it means the same as the rule: then the cases list it
    under `survivors`, with the reason. Exit code 1 when a change survives that is not listed, or one is
    listed that does not survive.

    A fact or a threshold may be proved by the cases of another rule that reaches it; with RULE those
    are not tried, and such changes are counted apart. Half a minute or so for one rule, minutes for all.
    """
    found = rule_base(cards, cases=True)
    texts = content.texts(cards_folder(cards))
    wanted = [chosen_rule(found, rule)] if rule else list(found.rules.values())
    mutants, shared = _mutants(wanted, found, loader.documents_of(texts)[0])
    trial = Trial(running.read(texts, found), found, fixtures_if_any())
    hidden = not sys.stderr.isatty()
    lives = surviving(trial, mutants, os.cpu_count() or 1)
    total = len(mutants)
    with click.progressbar(lives, total, label="mutants", file=sys.stderr, hidden=hidden) as bar:
        survivors = [one.what for one, alive in zip(mutants, bar, strict=True) if alive]
    listed = mutation.listed(texts)
    unlisted = [what for what in survivors if what not in listed]
    proofless = [what for what in unlisted if what not in shared]
    elsewhere = len(unlisted) - len(proofless)
    for what in proofless:
        click.echo(what)
    noticed = sorted({one.what for one in mutants} & listed.keys() - set(survivors))
    gone = [] if rule else sorted(listed.keys() - {one.what for one in mutants})
    for what in (*noticed, *gone):
        click.echo(f"listed as a survivor, and is none: {what}")
    click.echo(
        f"{len(mutants)} changes, {len(proofless)} that no case notices, "
        f"{len(survivors) - len(unlisted)} that mean the same"
    )
    if elsewhere:
        click.echo(
            f"{elsewhere} more, of facts and thresholds that other rules reach: "
            "without RULE their cases are tried"
        )
    sys.exit(1 if proofless or noticed or gone else 0)


def _mutants(
    wanted: Sequence[Rule], found: RuleBase, documents: Mapping[str, list[Document]]
) -> tuple[list[Mutant], set[str]]:
    """Every change that concerns the rules, and which of them concern other rules as well."""
    ids = {one.id for one in wanted}
    mutants = [mutant for one in wanted for mutant in mutation.of_rule(one, found)]
    shared: set[str] = set()
    for section in ("facts", "thresholds"):
        for one in uses.reached(section, documents):
            rules = tuple(rule for rule in one.rules if rule in ids)
            changes = tuple(mutation.of_reached(section, one, rules, found)) if rules else ()
            mutants.extend(changes)
            if len(rules) < len(one.rules):
                shared.update(change.what for change in changes)
    return mutants, shared
