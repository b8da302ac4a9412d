"""The secret is made once, is private, and is never silently another."""

import multiprocessing
from pathlib import Path

import pytest

from cds_service.audit import secret
from cds_service.failures import Failure, Kind

HEX = "ab" * 32


def make(database: Path) -> str:
    return secret.beside(database).raw.hex()


def test_many_processes_starting_at_once_agree(tmp_path: Path) -> None:
    database = tmp_path / "audit.sqlite3"
    with multiprocessing.get_context("fork").Pool(8) as pool:
        found = pool.map(make, [database] * 40, chunksize=1)
    assert len(set(found)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["audit.sqlite3.key"]


def test_the_file_is_private(tmp_path: Path) -> None:
    database = tmp_path / "audit.sqlite3"
    secret.beside(database)
    assert secret.file_of(database).stat().st_mode & 0o777 == 0o600


def test_a_given_secret_leaves_no_file(tmp_path: Path) -> None:
    assert secret.beside(tmp_path / "audit.sqlite3", HEX).raw == bytes.fromhex(HEX)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "ab", "not hexadecimal at all, forty characters.."])
def test_what_is_no_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Failure) as caught:
        secret.parse(text, "CDS_AUDIT_KEY")
    assert caught.value.kind is Kind.INCORRECT
    assert not text or text not in str(caught.value)


def test_a_log_whose_secret_is_gone_gets_no_new_one(tmp_path: Path) -> None:
    database = tmp_path / "audit.sqlite3"
    database.write_bytes(b"rows")
    with pytest.raises(Failure, match="is gone, and the log it belongs to is not") as caught:
        secret.beside(database)
    assert caught.value.kind is Kind.UNAVAILABLE


def test_a_secret_everyone_may_read_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "audit.sqlite3"
    secret.beside(database)
    secret.file_of(database).chmod(0o644)
    with pytest.raises(Failure, match="chmod 600"):
        secret.beside(database)


def test_a_folder_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be made") as caught:
        secret.beside(tmp_path / "none" / "audit.sqlite3")
    assert caught.value.kind is Kind.UNAVAILABLE


def test_it_does_not_show_itself() -> None:
    one = secret.parse(HEX, "here")
    assert HEX not in repr(one)
    assert "abab" not in f"{one} {one!r}"
