"""`cds-service rules`: check, list, show, test and lock the rule base."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from cds_service import content, fitness
from cds_service.cases import running
from cds_service.cli.codes import codes, find, value_sets
from cds_service.cli.content import (
    cards_folder,
    cards_option,
    chosen_id,
    chosen_rule,
    fixtures_if_any,
    rule_base,
)
from cds_service.cli.proof import coverage, mutate
from cds_service.rulebase import loader, lock, reach, upkeep
from cds_service.rulebase.criteria import facts_in
from cds_service.rulebase.definitions import GroupFact
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rulebase.threshold_keys import thresholds_in


@click.group()
def rules() -> None:
    """Look after the rule base: all a rule author needs, without Python."""


@rules.command()
@cards_option
@click.option(
    "--codes", "by_codes", is_flag=True, help="List the code sets by the day of their last check."
)
def check(cards: str, by_codes: bool) -> None:
    """Check shape, names, house rules, logic, leftovers, order templates and the lock.

    Prints every problem as file:line; exit code 1 when there is one. What is due for a yearly look
    (rules against their sources, codes in their code systems) is said, and is no problem.
    """
    texts = content.texts(cards_folder(cards))
    documents, misread = loader.documents_of(texts)
    found, problems = loader.examine_read(documents, misread, lock_text=texts.get("cards.lock", ""))
    if found is not None:
        problems = [*problems, *fitness.problems(found, texts), *fitness.oversights(found, documents)]
        _say_due(found, upkeep.code_sets(found, documents), by_codes=by_codes)
    for problem in problems:
        click.echo(str(problem))
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        click.echo(f"{len(problems)} {noun}", err=True)
        sys.exit(1)
    assert found is not None
    click.echo(
        f"{len(found.rules)} rules, {len(found.facts)} facts, {len(found.orders)} orders, "
        f"{len(found.code_sets)} code sets, {len(found.thresholds)} thresholds: no problem. "
        f"Version {found.version}, digest {found.digest[:12]}."
    )


def _say_due(found: RuleBase, sets: Sequence[upkeep.Checked], *, by_codes: bool) -> None:
    """What is due for its yearly look: of the codes their number, or with `by_codes` each set."""
    today = datetime.now(UTC).date()
    if by_codes:
        _list_codes(sets, today)
    for line in upkeep.overdue_rules(found, today):
        click.echo(f"due: {line}")
    due = sum(one.overdue(today) for one in sets)
    if due:
        click.echo(f"due: {due} code sets were not looked up within a year; see `rules check --codes`")


def _list_codes(sets: Sequence[upkeep.Checked], today: date) -> None:
    for source, group in groupby(sorted(sets, key=lambda one: one.source), key=lambda one: one.source):
        click.secho(source, bold=True)
        for one in group:
            codes = ", ".join(f"{number} {system}" for system, number in sorted(one.codes.items()))
            due = "  due" if one.overdue(today) else ""
            click.echo(f"  {one.day or 'never':10}  {one.name}: {codes}{due}")


@rules.command(name="list")
@cards_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(cards: str, as_json: bool) -> None:
    """List the rules: id, status, hooks, levels, title."""
    found = rule_base(cards)
    if as_json:
        click.echo(json.dumps([_line(rule) for rule in found.rules.values()], indent=2))
        return
    width = max(len(name) for name in found.rules)
    for rule in found.rules.values():
        levels = "/".join(dict.fromkeys(level.indicator for level in rule.levels))
        click.echo(f"{rule.id:{width}}  v{rule.version} {rule.status:9} {levels:24} {rule.title}")


def _line(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "version": rule.version,
        "status": rule.status,
        "reviewed": rule.reviewed,
        "cause": rule.cause,
        "hooks": list(rule.hooks),
        "levels": [level.indicator for level in rule.levels],
        "title": rule.title,
    }


@rules.command()
@cards_option
@click.argument("rule")
def show(cards: str, rule: str) -> None:
    """Show one rule: its file, and what every fact in it means."""
    found = rule_base(cards)
    chosen = chosen_rule(found, rule)
    folder = cards_folder(cards)
    written = reach.entries(loader.documents_of(content.texts(folder, cases=False))[0])
    path = next(folder.rglob(f"{chosen.id}.yaml"))
    click.echo(path.read_text(encoding="utf-8").rstrip())
    click.secho("\nReview", bold=True)
    click.echo(f"  {_review(chosen)}")
    click.secho("\nThe facts it names", bold=True)
    named = {name for level in chosen.levels for name in facts_in(level.when)}
    named |= set(chosen.ask.facts if chosen.ask else ()) | set(chosen.worth_knowing)
    for name in sorted(named):
        _show_fact(name, found, written, 1, set())


def _show_fact(
    name: str, found: RuleBase, written: Mapping[Any, Any], depth: int, opened: set[str]
) -> None:
    """One fact in a line, with its numbers; below a group what it is made of, each group once."""
    fact = found.facts[name]
    numbers = _numbers(found, written["facts", name])
    again = ", as above" if name in opened else ""
    click.echo(f"{'  ' * depth}{name}: {fact.label}{numbers} ({fact.source}{again})")
    if isinstance(fact, GroupFact) and name not in opened:
        opened.add(name)
        for member in sorted(set(facts_in(fact.when))):
            _show_fact(member, found, written, depth + 1, opened)


def _review(rule: Rule) -> str:
    """When it was last held against its sources, and whether a clinician has approved it."""
    approved = "approved" if rule.status == "active" else "not approved by a clinician"
    return f"gone through against its sources on {rule.reviewed}; status {rule.status}: {approved}"


def _numbers(found: RuleBase, fact: Mapping[str, Any]) -> str:
    """The limits and windows of a fact, with their values and how well each is founded."""
    named = sorted(thresholds_in(fact), key=lambda one: one[0][0] != "is")  # the limits first
    names = [name for _, name in named]
    told = []
    for name in dict.fromkeys(names):
        threshold = found.thresholds[name]
        values = " = ".join(f"{value} {unit}" for unit, value in threshold.values.items())
        told.append(f"{name} {values}, {threshold.standing}")
    return f" [{'; '.join(told)}]" if told else ""


@rules.command()
@cards_option
@click.argument("rule", default="")
@click.option("-v", "--verbose", is_flag=True, help="Print every case, not only those that differ.")
def test(cards: str, rule: str, verbose: bool) -> None:
    """Run the cases that stand beside the rules; RULE limits it to one.

    Exit code 1 when a case differs from what it expects.
    """
    texts = content.texts(cards_folder(cards))
    if rule:
        rules_there = [
            file for file in texts if file.endswith(".yaml") and loader.kind_of(file) == "rule"
        ]
        wanted = chosen_id([Path(file).stem for file in rules_there], rule)
        texts = {file: text for file, text in texts.items() if _concerns(file, wanted)}
    found = rule_base(cards, cases=wanted if rule else True)
    folder = fixtures_if_any()
    chosen = list(running.read(texts, found))
    differing = 0
    hidden = verbose or not sys.stderr.isatty()
    with click.progressbar(chosen, label="cases", file=sys.stderr, hidden=hidden) as bar:
        for case in bar:
            outcome = running.run(case, found, folder)
            differing += bool(outcome.differences)
            if outcome.differences or verbose:
                mark = "differs" if outcome.differences else "holds  "
                click.echo(f"{mark} {case.place} {case.rule}: {case.name} ({case.proves})")
                for difference in outcome.differences:
                    click.echo(f"        {difference}")
    click.echo(f"{len(chosen)} cases, {differing} differ")
    sys.exit(1 if differing else 0)


def _concerns(file: str, rule: str) -> bool:
    """Whether a file is of the rule base itself, or has the cases of this rule."""
    return loader.kind_of(file) != "cases" or Path(file).name == f"{rule}.cases.yaml"


@rules.command(name="lock")
@cards_option
@click.option("--release", is_flag=True, help="Mark every version as released: it never changes again.")
def lock_(cards: str, release: bool) -> None:
    """Write cards.lock: rule id → version and digest of all that the rule reaches.

    While a version is not released it may be locked anew as often as you like. A released one that
    means something else is refused: raise `version` first.
    """
    folder = cards_folder(cards)
    texts = content.texts(folder)
    found, problems = loader.examine(texts, check_lock=False)
    if found is None or problems:
        for problem in problems:
            click.echo(str(problem))
        sys.exit(1)
    old = texts.get("cards.lock", "")
    unraised = lock.unraised(found, old)
    for name in unraised:
        click.echo(f"{name} means something else than its released version: raise `version`")
    if unraised:
        sys.exit(1)
    (folder / "cards.lock").write_text(lock.written(found, old, release=release), encoding="utf-8")
    click.echo(f"cards.lock holds {len(found.rules)} rules{', all released' if release else ''}")


for command in (coverage, mutate, find, codes, value_sets):
    rules.add_command(command)
