"""`cds-service fixtures`: the invented patients, and how they get onto a FHIR server."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import click

from cds_service.as_ehr import addresses, loading
from cds_service.as_ehr.fhir_server import FhirServer
from cds_service.as_ehr.loading import Loaded
from cds_service.cases import fixtures as invented
from cds_service.cli.content import fixtures_folder
from cds_service.failures import Failure, Kind

FHIR_EXAMPLE = "http://127.0.0.1:8081/fhir"
token_option = click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="File with a bearer token for the FHIR server. Default: the variable CDS_FHIR_TOKEN. Never on "
    "the command line, where everybody on the machine can read it.",
)


@click.group()
def fixtures() -> None:
    """Look at the invented patients, and put them on a FHIR server."""


@fixtures.command(name="list")
def list_() -> None:
    """List the invented patients: name, and what is the matter."""
    folder = fixtures_folder()
    names = invented.names(folder)
    width = max(map(len, names), default=0)
    for name in names:
        click.echo(f"{name:{width}}  {_title(invented.load(folder, name))}")


def _title(bundle: invented.Bundle) -> str:
    for one in invented.resources(bundle):
        if one.get("resourceType") == "Patient":
            return str(one.get("name", [{}])[0].get("text", ""))
    return ""


@fixtures.command(
    epilog="""\b
Examples:
  cds-service fixtures load http://127.0.0.1:8081/fhir
  cds-service fixtures load http://127.0.0.1:8081/fhir --patient k-2-4 --patient pad-risk
  cds-service fixtures load https://hapi.fhir.org/baseR4 --patient k-2-4
  CDS_FHIR_TOKEN=… cds-service fixtures load https://fhir.example.org/r4 --all

\b
Exit codes:
  0  all that is R4 is on the server
  1  some of it was refused: each is named, with what the server said
  2  used wrongly, or the server is of another FHIR version, or wants a token
  3  there is no FHIR server
"""
)
@click.argument("url")
@click.option(
    "--patient",
    "wanted",
    metavar="NAME",
    multiple=True,
    help="Only this one; may be given more than once.",
)
@click.option("--all", "every", is_flag=True, help="All of them, onto a server on the internet too.")
@click.option(
    "--as-written",
    is_flag=True,
    help="Leave the dates as they are in the files (November 2026). Else all are moved by the same "
    "days, so that what happened this morning happened today.",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace a patient of the same id who is not one of ours."
)
@token_option
def load(
    url: str,
    wanted: tuple[str, ...],
    every: bool,
    as_written: bool,
    overwrite: bool,
    token_file: Path | None,
) -> None:
    """Put the invented patients on a FHIR R4 server.

    URL is its base, such as http://127.0.0.1:8081/fhir. One transaction for each patient, under its own
    ids: loading again replaces what was loaded before. What a server refuses as a whole is sent again
    without what is no R4 (one patient is broken on purpose), then as a batch.

    The patients are SYNTHETIC: no person is behind them. A server that is not on this machine or its
    network may be public: what is put there can be seen, changed and deleted by anybody. So name the
    patients then, or say --all. Never put a real patient's data on a public server.
    """
    base = addresses.base(url, like=FHIR_EXAMPLE)
    elsewhere = not addresses.nearby(base)
    names = _chosen(wanted)
    if elsewhere and not wanted and not every:
        raise click.UsageError(
            f"{urlsplit(base).hostname} may be a public server: name some with --patient NAME, or say "
            f"--all ({len(names)} patients)"
        )
    server = FhirServer(base, addresses.token(token_file, base))
    click.echo(f"{server.introduced()}, at {base}", err=True)
    _warn(base, elsewhere=elsewhere)
    now = None if as_written else datetime.now(UTC)
    began = monotonic()
    results = dict(_each(server, names, now, overwrite=overwrite))
    sys.exit(_say(results, monotonic() - began, now))


def _chosen(wanted: Sequence[str]) -> list[str]:
    known = invented.names(fixtures_folder())
    for name in wanted:
        if name not in known:
            raise Failure(
                Kind.NOT_FOUND,
                f"no invented patient is called {name!r}",
                todo="`cds-service fixtures list` lists them",
            )
    return list(dict.fromkeys(wanted)) or known


def _warn(base: str, *, elsewhere: bool) -> None:
    click.secho("SYNTHETIC patients: invented, labelled HTEST, no person is behind them.", err=True)
    if elsewhere:
        click.secho(
            f"{urlsplit(base).hostname} is not on this machine or its network. If it is public, "
            "anybody can see, change and delete what is there: never put a real patient's data on it.",
            fg="yellow",
            bold=True,
            err=True,
        )


def _each(
    server: FhirServer, names: Sequence[str], now: datetime | None, *, overwrite: bool
) -> Iterator[tuple[str, Loaded]]:
    folder = fixtures_folder()
    hidden = not sys.stderr.isatty()
    with click.progressbar(names, label="Loading", file=sys.stderr, hidden=hidden) as bar:
        for name in bar:
            bundle = invented.load(folder, name)
            if now is not None:
                bundle = invented.shifted(bundle, now)
            yield name, loading.load(server, bundle, overwrite=overwrite)


def _say(results: Mapping[str, Loaded], seconds: float, now: datetime | None) -> int:
    """Print what came of it; the exit code."""
    refused = {place: why for one in results.values() for place, why in one.refused.items()}
    for place, why in refused.items():
        click.secho(f"refused  {place}: {why}", fg="red", err=True)
    for one in results.values():
        for place in one.left_out:
            click.echo(f"left out {place}: broken on purpose, is no R4", err=True)
    there = sum(1 for one in results.values() if one.taken)
    resources = sum(one.taken for one in results.values())
    dates = f"as of {now:%d %b %Y}" if now else "as written, of November 2026"
    noun = "patient" if len(results) == 1 else "patients"
    count = f"{there} of {len(results)}" if there < len(results) else f"{there}"
    click.echo(f"{count} {noun}, {resources:,} resources in {seconds:.1f} s; dates {dates}")
    return 1 if refused else 0
