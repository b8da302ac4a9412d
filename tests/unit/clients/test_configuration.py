"""A start or a reload with another configuration is in the audit: once, whoever says so how often."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from cds_service.audit import store
from cds_service.audit.event import Configured
from cds_service.audit.log import AuditLog
from cds_service.audit.verification import verify
from cds_service.cli.audit import audit
from cds_service.clients.cautions import cautions
from cds_service.clients.configuration import of_configuration
from cds_service.clients.model import ANONYMOUS, Client, Clients
from cds_service.clients.tailoring import tailored
from cds_service.rulebase.model import RuleBase
from cds_service.rules.model import Policy
from tests.unit.audit.decisions import answered
from tests.unit.rulebase.tiny import fact, loaded, rule, texts

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def base() -> RuleBase:
    low = fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-7")
    return loaded(texts({"low": low}, [rule("mild", "low"), rule("grave", "b", **{"red-flag": True})]))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog(tmp_path / "audit.sqlite3")
    yield opened
    opened.close()


def clients(base: RuleBase, *known: Client, **more: Any) -> Clients:
    return Clients({one.name: one for one in known}, Client(ANONYMOUS, base), "d" * 64, **more)


def written(log: AuditLog) -> list[dict[str, Any]]:
    bodies = [body for (body,) in log.select("SELECT body FROM rows ORDER BY row")]
    events: list[dict[str, Any]] = [msgspec.json.decode(body) for body in bodies]
    return [one for one in events if one["kind"] == "configured"]


def test_it_says_who_gets_what(base: RuleBase, log: AuditLog) -> None:
    own = tailored(base, thresholds={"potassium-low": {"mmol/L": Decimal("3.8")}})
    ehr = Client("ehr", own, Policy(disabled=frozenset({"grave"}), silent_mode=True))
    log.append(of_configuration(clients(base, ehr, silent=frozenset({"mild"})), base, time=NOW))

    [event] = written(log)
    assert event["time"] == "2026-11-22T09:00:00.000Z"
    assert event["digest"] == "d" * 64
    assert event["ruleBase"]["digest"] == base.digest
    assert (event.get("off"), event["silent"]) == (None, ["mild"])
    assert event["clients"] == [
        {"client": ANONYMOUS, "ruleBase": base.digest},
        {
            "client": "ehr",
            "ruleBase": own.digest,
            "off": ["grave"],
            "redFlags": ["grave"],
            "silentMode": True,
            "thresholds": {"potassium-low": {"mmol/L": "3.8"}},
        },
    ]


def test_the_same_again_is_not_written_again(base: RuleBase, log: AuditLog) -> None:
    off = clients(base, Client("ehr", base, Policy(disabled=frozenset({"mild"}))))
    on = clients(base, Client("ehr", base))

    first = log.append(of_configuration(off, base, time=NOW))
    log.append(answered())
    assert log.append(of_configuration(off, base, time=LATER)) == first
    log.append(of_configuration(on, base, time=LATER))
    log.append(of_configuration(off, base, time=LATER))  # back again is a change too
    assert [one["clients"][1].get("off") for one in written(log)] == [["mild"], None, ["mild"]]


@pytest.mark.parametrize(
    "changed",
    [
        {"digest": "e" * 64},
        {"off": frozenset({"mild"})},
        {"silent": frozenset({"mild"})},
        {"anonymous": None},
        {"known": {}},
    ],
)
def test_whatever_changes_is_another_configuration(base: RuleBase, changed: dict[str, Any]) -> None:
    one = clients(base, Client("ehr", base))
    other = msgspec.structs.replace(one, **changed)
    said, later = (of_configuration(which, base, time=NOW) for which in (one, other))
    assert said.configuration != later.configuration


def test_another_version_of_the_software_is_another_configuration(base: RuleBase) -> None:
    found = {
        of_configuration(clients(base), base, time=NOW, software=version).configuration
        for version in ("1", "2")
    }
    assert len(found) == 2


def test_of_many_processes_one_writes_it(base: RuleBase, tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite3"
    said = of_configuration(clients(base), base, time=NOW)
    logs = [AuditLog(path, patience=20) for _ in range(6)]  # as in six processes: a writer for each
    threads = [Thread(target=one.append, args=(said,)) for one in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(written(logs[0])) == 1
    for one in logs:
        one.close()
    assert verify(path, (logs[0].secret,)).whole


def test_what_is_in_the_log_counts_and_not_the_index(base: RuleBase, log: AuditLog) -> None:
    first, second = (
        of_configuration(clients(base, Client(name, base)), base, time=NOW) for name in ("a", "b")
    )
    log.append(first)
    log.append(second)
    with closing(sqlite3.connect(log.path)) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute("DELETE FROM configured")
    assert isinstance(first, Configured)
    assert [one["clients"][1]["client"] for one in written(log)] == ["a", "b"]


def test_a_log_of_the_first_layout_is_brought_up(base: RuleBase, tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite3"
    old = AuditLog(path)
    old.append(answered())
    old.close()
    with closing(sqlite3.connect(path)) as raw:
        for (name,) in raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('configured', 'tokens')"
        ).fetchall():
            raw.execute(f"DROP TABLE {name}")
        raw.execute("PRAGMA user_version = 1")

    log = AuditLog(path)
    log.append(of_configuration(clients(base), base, time=NOW))
    assert len(written(log)) == 1
    log.close()
    assert verify(path, (log.secret,)).whole
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (store.LAYOUT,)


def test_the_command_line_shows_it(base: RuleBase, log: AuditLog) -> None:
    ehr = Client("ehr", base, Policy(disabled=frozenset({"grave"}), silent=frozenset({"mild"})))
    said = clients(base, ehr, silent=frozenset({"mild"}))
    row = log.append(of_configuration(said, base, time=NOW)).row

    shown = CliRunner().invoke(audit, ["tail", "--db", str(log.path)]).output
    assert f"{row}  2026-11-22T09:00:00.000Z  configured" in shown
    assert " 2 clients; mild silent for all; ehr: grave off" in shown

    log.append(of_configuration(Clients({"ehr": ehr}), base, time=NOW))
    assert (
        " 1 client; ehr: grave off" in CliRunner().invoke(audit, ["tail", "--db", str(log.path)]).output
    )


def test_a_red_flag_that_is_kept_quiet_is_said(base: RuleBase) -> None:
    ehr = Client("ehr", base, Policy(disabled=frozenset({"grave", "mild"})))
    quiet = Client("quiet", base, Policy(silent=frozenset({"grave"}), silent_mode=True))

    assert list(cautions(clients(base, ehr, quiet))) == [
        "ehr: the red flag grave is switched off",
        "quiet: the red flag grave is silent",
        "quiet: silent mode, nobody is shown a card, not even a critical one",
    ]
    assert list(cautions(clients(base, Client("ehr", base)))) == []


def test_the_rule_of_a_critical_card_that_is_kept_quiet_is_said() -> None:
    levels = [{"when": "low", "indicator": "critical"}, {"when": "b", "indicator": "info"}]
    low = fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-7")
    base = loaded(texts({"low": low}, [rule("severe", "b", levels=levels), rule("mild", "b")]))
    off = Policy(disabled=frozenset({"severe", "mild"}))
    [said] = cautions(clients(base, Client("ehr", base, off)))
    assert said == "ehr: the rule of a critical card severe is switched off"


def test_a_red_flag_that_is_off_for_all_says_so(base: RuleBase) -> None:
    ehr = Client("ehr", base, Policy(disabled=frozenset({"grave"})))
    [said] = cautions(clients(base, ehr, off=frozenset({"grave"})))
    assert said == "ehr (as for all): the red flag grave is switched off"
