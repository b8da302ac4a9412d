"""Refused calls are counted, and the counts are told: at the latest when the process ends."""

import logging
import subprocess
import sys

import pytest

from cds_service.clients.refusals import EVERY, Refusals
from cds_service.clients.token_reasons import TokenReason


def test_of_many_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0
    counts = Refusals(lambda: now)
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            counts.add(TokenReason.EXPIRED, "st-elsewhere")
        assert [one.split(" refused")[0] for one in caplog.messages] == ["1 call"]
        now += EVERY
        counts.add(TokenReason.EXPIRED, "st-elsewhere")
    assert [one.split(" refused")[0] for one in caplog.messages] == ["1 call", "20 calls"]


def test_what_is_only_counted_is_told_when_the_process_ends() -> None:
    program = (
        "from cds_service.clients.refusals import Refusals\n"
        "from cds_service.clients.tokens import TokenReason\n"
        "counts = Refusals()\n"
        "for _ in range(20): counts.add(TokenReason.EXPIRED, 'st-elsewhere')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "19 calls refused, 401, expired (client st-elsewhere)" in ended.stderr
