"""What is read of a content folder, and by whom."""

from pathlib import Path

import pytest

from cds_service import content
from cds_service.failures import Failure


def test_a_service_reads_no_cases(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 1\n", encoding="utf-8")
    (tmp_path / "x.cases.yaml").write_bytes(b"\xff\xfe")

    assert content.texts(tmp_path, cases=False) == {"x.yaml": "a: 1\n"}
    with pytest.raises(Failure, match=r"x\.cases\.yaml cannot be read: UnicodeDecodeError"):
        content.texts(tmp_path)
