"""Feedback names a card; the log knows whose card it was, and what it said."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cds_service.audit.allowlist import Allowlist
from cds_service.audit.history import history_of
from cds_service.audit.log import AuditLog
from cds_service.presentation.suppression import Override
from tests.unit.audit.decisions import CARD, NOW, answered, feedback, question

OTHER_CARD = "0b0b0b0b-0000-4000-8000-00000000000b"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog(tmp_path / "audit.sqlite3")
    kept = Allowlist(opened.secret)
    opened.append(answered(kept=kept))
    yield opened
    opened.close()


def overrides(log: AuditLog) -> tuple[Override, ...]:
    return history_of(log, question(instance="another call")).overrides


def test_without_feedback_there_is_none(log: AuditLog) -> None:
    assert overrides(log) == ()


def test_an_override_counts_for_every_rule_on_the_card_as_strongly_as_it_spoke(log: AuditLog) -> None:
    log.append(feedback())
    at = NOW - timedelta(minutes=1)
    assert overrides(log) == (
        Override("k-01", "critical", "patient-refuses", at),
        Override("mg-01", "warning", "patient-refuses", at),
    )


@pytest.mark.parametrize(
    ("claimed", "counts"),
    [
        ("2026-11-22T08:00:00Z", NOW - timedelta(hours=1)),
        ("2027-11-22T08:00:00Z", NOW),  # a client's clock cannot prolong quiet
        ("no time at all", NOW),
    ],
)
def test_it_counts_from_when_it_reached_us_or_earlier(
    log: AuditLog, claimed: str, counts: datetime
) -> None:
    log.append(feedback(claimed=claimed))
    assert {one.at for one in overrides(log)} == {counts}


def test_a_card_accepted_after_all_is_not_overridden(log: AuditLog) -> None:
    log.append(feedback())
    log.append(feedback(outcome="accepted", claimed="2026-11-22T09:10:00Z"))
    assert overrides(log) == ()


def test_a_card_dismissed_after_it_was_accepted_is_overridden(log: AuditLog) -> None:
    log.append(feedback(outcome="accepted"))
    log.append(feedback(claimed="2026-11-22T09:10:00Z"))
    assert len(overrides(log)) == 2


def test_the_same_feedback_again_changes_nothing(log: AuditLog) -> None:
    log.append(feedback())
    log.append(feedback(received=NOW + timedelta(days=30)))
    assert {one.at for one in overrides(log)} == {NOW - timedelta(minutes=1)}


def test_another_clients_feedback_does_not_count(log: AuditLog) -> None:
    log.append(feedback(client="another"))
    assert overrides(log) == ()


def test_another_patient_has_a_history_of_their_own(log: AuditLog) -> None:
    log.append(feedback())
    assert history_of(log, question(patient="p2")).overrides == ()
    assert history_of(log, question(client="another")).overrides == ()


def test_feedback_on_a_card_nobody_knows_is_kept_and_counts_for_nobody(log: AuditLog) -> None:
    log.append(feedback(card="not-a-uuid"))
    assert overrides(log) == ()
    assert log.select("SELECT count(*) FROM feedback") == [(1,)]


def test_the_index_cannot_make_up_an_override(log: AuditLog) -> None:
    place = log.append(answered(card=OTHER_CARD, kept=Allowlist(log.secret)))
    log.select("SELECT 1")
    mine = log._mine.writer  # noqa: SLF001 - an intruder asks nobody
    assert mine is not None
    mine._connection.execute(  # noqa: SLF001
        "INSERT INTO feedback VALUES (?, 'ehr', 'overridden', '', ?)", (CARD, place.row)
    )
    assert overrides(log) == ()
