"""`cds-service audit`: prove that the log is whole, and read it."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from cds_service.audit import reading, secret, verification
from cds_service.audit.chain import Row
from cds_service.audit.secret import Secret
from cds_service.audit.verification import Verification
from cds_service.failures import Failure, Kind

_LONG = 20_000  # rows, from which on a progress bar is worth its place
_STEP = 1000

db_option = click.option(
    "--db",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="CDS_AUDIT_DB",
    default="var/audit.sqlite3",
    show_default=True,
    help="The audit database (CDS_AUDIT_DB).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Whole events as JSON, one a line.")


@click.group()
def audit() -> None:
    """Read the audit log, and prove that it is whole.

    The log says for every answered request which rules fired, on what facts, and which cards were
    shown; for every refused one why; and what users said of the cards. It names no patient.
    """


@audit.command(
    epilog="""\b
Exit codes:
  0  whole
  1  broken: something was changed, removed or added
  2  used wrongly, or there is no such file
  3  the database or the secret cannot be read
"""
)
@db_option
@click.option(
    "--key-file",
    "key_files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="File with the audit secret, or with an earlier one; may be given more than once. "
    "Default: CDS_AUDIT_KEY, else the file beside the database.",
)
@click.option(
    "--without-secret",
    is_flag=True,
    help="Do not look for the secret: checks everything but signatures.",
)
@click.option(
    "--anchor",
    default="",
    help="An anchor that an earlier run printed, or the service logged: it must still be there.",
)
def verify(db: Path, key_files: tuple[Path, ...], without_secret: bool, anchor: str) -> None:
    """Compute every chain anew and say whether the log is whole.

    Prints a line for each chain (one for each time a process of the service was started), then every
    problem, then the verdict. May run while the service does. Keep the printed anchor elsewhere, and
    give it to a later run: without it, nobody can tell that the whole log was rolled back to an
    earlier time.
    """
    secrets = () if without_secret else tuple(_secrets(db, key_files))
    with _progress(db) as told:
        found = verification.verify(db, secrets, anchor=anchor, progress=told)
    for one in found.chains:
        state = f"broken: {one.broken.what}" if one.broken else "whole"
        click.echo(f"{one.writer}  {one.rows:>9,} rows  {state}")
    for problem in found.problems:
        place = f"row {problem.row}"
        if problem.writer:
            place += f" ({problem.sequence} of {problem.writer})"
        click.secho(f"{place}: {problem.what}", fg="red", err=True)
    click.secho(_verdict(found), fg="green" if found.whole else "red", bold=True)
    sys.exit(0 if found.whole else 1)


def _verdict(found: Verification) -> str:
    noun = "chain" if len(found.chains) == 1 else "chains"
    counted = f"{found.rows:,} rows in {len(found.chains):,} {noun}"
    checked = "signatures checked" if found.signatures else "signatures NOT checked (no secret)"
    after = f"{found.uncovered:,} rows after the newest of {found.checkpoints:,} checkpoints"
    verdict = "whole" if found.whole else f"BROKEN, {len(found.problems)} problems"
    anchor = f"; anchor {found.anchor}" if found.anchor else ""
    return f"{verdict}: {counted}, {after}, {checked}{anchor}"


def _secrets(db: Path, key_files: tuple[Path, ...]) -> Iterator[Secret]:
    if key_files:
        for file in key_files:
            found = secret.read(file)
            if found is not None:
                yield found
        return
    given = os.environ.get("CDS_AUDIT_KEY", "")
    if given:
        yield secret.parse(given, "CDS_AUDIT_KEY")
        return
    beside = secret.read(secret.file_of(db))
    if beside is None:
        click.echo(f"no secret at {secret.file_of(db)}: signatures are not checked", err=True)
    else:
        yield beside


@contextmanager
def _progress(db: Path) -> Iterator[Any]:
    if not sys.stderr.isatty() or (rows := verification.count(db)) < _LONG:
        yield None
        return
    with click.progressbar(length=rows, label="Reading", file=sys.stderr) as bar:

        def told(read: int) -> None:
            if read % _STEP == 0:
                bar.update(_STEP)

        yield told


@audit.command()
@db_option
@click.option(
    "-n", "most", type=click.IntRange(0), default=10, show_default=True, help="How many events."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with those to come, until Ctrl-C.")
@json_option
def tail(db: Path, most: int, follow: bool, as_json: bool) -> None:
    """Show the newest events, one a line, the newest last."""
    try:
        for row in reading.tail(db, most, follow=follow):
            click.echo(_as_json(row) if as_json else _line(row))
    except KeyboardInterrupt:
        return


@audit.command()
@db_option
@json_option
@click.argument("it", metavar="UUID")
def show(db: Path, it: str, as_json: bool) -> None:
    """Show what is known about one card or one request.

    UUID is a card's uuid or a request's hookInstance: the answer, and the feedback on it. Exit code 1
    when the log has nothing about it.
    """
    rows = reading.about(db, it)
    for row in rows:
        if as_json:
            click.echo(_as_json(row))
        else:
            click.secho(_line(row), bold=True)
            click.echo(json.dumps(_event(row), indent=2, ensure_ascii=False))
    if not rows:
        raise _Nothing(Failure(Kind.NOT_FOUND, "the log has nothing about it", where=it))


class _Nothing(click.ClickException):
    """Nothing was found; not a failure of the service."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))


def _as_json(row: Row) -> str:
    place = {"row": row.row, "writer": row.writer, "sequence": row.sequence}
    return json.dumps({**place, **_event(row)}, ensure_ascii=False)


def _event(row: Row) -> dict[str, Any]:
    try:
        return row.event
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        todo = "run: cds-service audit verify"
        raise Failure(Kind.UNAVAILABLE, "this is no event", where=f"row {row.row}", todo=todo) from error


def _line(row: Row) -> str:
    event = _event(row)
    match event["kind"]:
        case "answered":
            shown = ", ".join(
                f"{card['indicator']} {card['rules'][0]['rule']}" for card in event.get("cards", ())
            )
            what = f"{event['hookInstance']}  {shown or 'no card'}"
        case "refused":
            calls = f"({event['calls']} calls)" if "calls" in event else ""
            what = " ".join(filter(None, (event["failure"], event.get("where", ""), calls)))
        case "configured":
            what = _configured(event)
        case _:
            reason = f" ({event['reason']})" if event.get("reason") else ""
            entries = f" ({event['entries']} entries)" if "entries" in event else ""
            what = f"{event['card']}  {event['outcome']}{reason}{entries}"
    marks = f"  [{', '.join(event['marks'])}]" if event.get("marks") else ""
    service = event.get("service", "")
    return f"{row.row:>7}  {event['time']}  {event['kind']:10}  {service}  {what}{marks}"


def _configured(event: Mapping[str, Any]) -> str:
    """In a line: which rule base, and what keeps rules quiet for whom."""
    many = len(event.get("clients", ()))
    said = [f"rule base {event['ruleBase']['version']}, {many} client{'' if many == 1 else 's'}"]
    said += [f"{name} off for all" for name in event.get("off", ())]
    said += [f"{name} silent for all" for name in event.get("silent", ())]
    for one in event.get("clients", ()):
        quiet = [f"{name} off" for name in one.get("off", ()) if name not in event.get("off", ())]
        quiet += [
            f"{name} silent" for name in one.get("silent", ()) if name not in event.get("silent", ())
        ]
        quiet += [f"{name} changed" for name in one.get("thresholds", ())]
        quiet += ["silent mode"] * one.get("silentMode", False)
        if quiet:
            said.append(f"{one['client']}: {', '.join(quiet)}")
    return "; ".join(said)
