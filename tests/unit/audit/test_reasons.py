"""Why something did not arrive: our own words are kept, and nothing else."""

import pytest

from cds_service.audit.allowlist import Allowlist
from cds_service.audit.secret import Secret
from cds_service.fhir.absence import Absence


@pytest.fixture
def kept() -> Allowlist:
    return Allowlist(Secret(b"0" * 32))


@pytest.mark.parametrize(
    "why", [*Absence, "other-patient: 3 dropped", "unreadable: category", "unreadable: category, intent"]
)
def test_our_own_words_are_kept(kept: Allowlist, why: str) -> None:
    assert kept.reason(str(why)) == str(why)


@pytest.mark.parametrize(
    "why",
    [
        "Sentinelmann",
        "not-fhir: https://fhir.example.org/Patient/1",
        "other-patient: Sentinelmann dropped",
        "unreadable: Sentinelmann",
        "unreadable: category, Sentinelmann",
        "out-of-time\n",
    ],
)
def test_anything_else_is_hidden(kept: Allowlist, why: str) -> None:
    assert kept.reason(why).startswith("~")
