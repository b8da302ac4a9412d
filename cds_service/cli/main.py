"""`cds-service`: the command line. One module per command group; this one puts them together."""

import sys

import click

from cds_service import __version__
from cds_service.cli.attempt import try_
from cds_service.cli.audit import audit
from cds_service.cli.clients import clients
from cds_service.cli.evaluate import evaluate, explain
from cds_service.cli.patients import fixtures
from cds_service.cli.rules import rules
from cds_service.cli.serve import serve
from cds_service.failures import Failure, Kind

EPILOG = """\b
Exit codes:
  0  done, and all is well
  1  done, and something is wrong (a case differs, a chain is broken, content has problems)
  2  the command was used wrongly (an unknown option, a file that is not there)
  3  the service or its data are not available (a busy port, an unreadable rule base)
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cds-service")
def cli() -> None:
    """CDS Hooks service for the patient whose legs feel heavy when walking.

    Start with `cds-service serve --demo` and open the address it prints; or evaluate a patient in the
    terminal: `cds-service evaluate FILE`.
    """


for command in (serve, evaluate, explain, try_, fixtures, rules, clients, audit):
    cli.add_command(command)


def main() -> None:
    """Run the command line; a failure is one line on stderr, never a traceback."""
    try:
        cli(prog_name="cds-service")
    except Failure as failure:
        click.echo(f"cds-service: {failure}", err=True)
        sys.exit(exit_code(failure.kind))


def exit_code(kind: Kind) -> int:
    """Tell apart a command that was used wrongly from a service that is not available."""
    return 2 if kind in (Kind.INCORRECT, Kind.NOT_FOUND) else 3
