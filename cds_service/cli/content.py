"""The rule base for a command, read where the options or the environment say."""

import os
from pathlib import Path

import click

from cds_service import content, fitness, settings
from cds_service.rulebase.model import RuleBase

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


def rule_base(cards: str, *, locked: bool = True) -> RuleBase:
    """The rule base, or a failure that lists all that is wrong with it.

    With `locked` off it need not be the one of cards.lock: for trying a rule while it is written.
    """
    return fitness.load(content.texts(cards_folder(cards)), locked=locked)
