"""The rule base for a command, read where the options or the environment say."""

import os
from collections.abc import Iterable
from pathlib import Path

import click

from cds_service import content, fitness, settings
from cds_service.failures import Failure
from cds_service.rulebase.model import Rule, RuleBase

cards_option = click.option(
    "--cards",
    metavar="DIR",
    default="",
    help="Rule base to use instead of the shipped one (also CDS_CARDS_DIR).",
)


def environment() -> settings.Settings:
    """The settings of this process."""
    return settings.read(os.environ)


def cards_folder(cards: str) -> Path:
    """The folder of the rule base."""
    return content.folder("cards", cards or environment().cards)


def fixtures_folder() -> Path:
    """The folder of the fixtures."""
    return content.folder("fhir_fixtures", environment().fixtures)


def rule_base(cards: str, *, cases: bool | str = False) -> RuleBase:
    """The rule base, or a failure that lists all that is wrong with it.

    It need not be the one of cards.lock: a rule is tried while it is written. With `cases` on, what is
    wrong with the cases beside its rules, or beside the one rule named, is a failure too.
    """
    return fitness.load(content.texts(cards_folder(cards)), locked=False, cases=cases)


def chosen_rule(found: RuleBase, text: str) -> Rule:
    """A rule by its id, by its number as the documents write it (`K-01`), or by the start of its id."""
    return found.rules[chosen_id(found.rules, text)]


def chosen_id(ids: Iterable[str], text: str) -> str:
    """The same of ids alone, as the names of the files tell them before a rule base is read."""
    wanted, known = text.lower(), sorted(ids)
    matching = (
        [name for name in known if name == wanted]
        or [name for name in known if name.startswith(f"{wanted}-")]
        or [name for name in known if name.startswith(wanted)]
    )
    if len(matching) != 1:
        listed = ", ".join(matching or known)
        raise click.UsageError(f"{text!r} names {len(matching)} rules; there are: {listed}")
    return matching[0]


def fixtures_if_any() -> Path | None:
    """The folder of the fixtures; None where there is none, as beside a rule base of one's own."""
    try:
        return fixtures_folder()
    except Failure:
        return None
