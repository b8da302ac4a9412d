"""`cds-service audit`: exit codes and what is printed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.audit.allowlist import Allowlist
from cds_service.audit.event import of_refusal
from cds_service.audit.log import AuditLog
from cds_service.cli.audit import audit
from cds_service.failures import Failure, Kind
from tests.unit.audit.decisions import CALL, CARD, NOW, answered, feedback


@pytest.fixture
def database(tmp_path: Path) -> Path:
    log = AuditLog(tmp_path / "audit.sqlite3")
    kept = Allowlist(log.secret)
    refused = Failure(Kind.UNOBTAINABLE, "is necessary", where="prefetch.patient")
    log.append_all(
        [
            answered(kept=kept),
            of_refusal(refused, kept, time=NOW, service="heavy-legs-patient-view"),
            feedback(),
        ]
    )
    log.close()
    return log.path


def run(*arguments: str | Path, key: str = "") -> Result:
    environment = {"CDS_AUDIT_KEY": key, "CDS_AUDIT_DB": None}
    return CliRunner().invoke(audit, [str(one) for one in arguments], env=environment)


def break_it(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TRIGGER rows_update_refused")
        connection.execute("UPDATE rows SET body = x'7b7d' WHERE row = 2")
        connection.commit()


def test_a_whole_log(database: Path) -> None:
    result = run("verify", "--db", database)
    assert result.exit_code == 0
    line, verdict = result.stdout.splitlines()
    assert line.endswith("5 rows  whole")
    assert verdict.startswith("whole: 5 rows in 1 chain, 0 rows after the newest of 2 checkpoints")
    assert "signatures checked" in verdict


def test_a_broken_log(database: Path) -> None:
    break_it(database)
    result = run("verify", "--db", database)
    assert result.exit_code == 1
    assert "was changed" in result.stderr
    assert "BROKEN" in result.stdout


def test_a_database_that_is_not_there() -> None:
    assert run("verify", "--db", "/nowhere/audit.sqlite3").exit_code == 2


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no database" * 100)
    result = run("verify", "--db", tmp_path / "file")
    assert isinstance(result.exception, Failure)  # main() makes it exit code 3


def test_without_the_secret(database: Path) -> None:
    result = run("verify", "--db", database, "--without-secret")
    assert result.exit_code == 0
    assert "signatures NOT checked" in result.stdout


def test_with_another_secret(database: Path) -> None:
    assert run("verify", "--db", database, key="cd" * 32).exit_code == 1


def test_an_anchor_that_is_there_and_one_that_is_not(database: Path) -> None:
    anchor = run("verify", "--db", database).stdout.rsplit(" ", 1)[1].strip()
    assert run("verify", "--db", database, "--anchor", anchor).exit_code == 0
    assert run("verify", "--db", database, "--anchor", "f" * 64).exit_code == 1


def test_tail_says_one_event_a_line(database: Path) -> None:
    lines = run("tail", "--db", database).stdout.splitlines()
    assert len(lines) == 3
    assert "answered" in lines[0]
    assert "critical k-01" in lines[0]
    assert lines[1].endswith("unobtainable prefetch.patient")
    assert lines[2].endswith("overridden (patient-refuses)")


def test_tail_of_the_last_one_as_json(database: Path) -> None:
    (line,) = run("tail", "--db", database, "-n", "1", "--json").stdout.splitlines()
    assert json.loads(line)["kind"] == "feedback"


@pytest.mark.parametrize(("it", "lines"), [(CARD, 2), (CALL, 1)])
def test_show_finds_a_card_with_its_feedback_and_a_request(database: Path, it: str, lines: int) -> None:
    result = run("show", "--db", database, "--json", it)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == lines


def test_show_of_nothing(database: Path) -> None:
    result = run("show", "--db", database, "nobody-knows")
    assert result.exit_code == 1
    assert "the log has nothing about it" in result.stderr
