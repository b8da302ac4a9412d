"""One process, one reading: the commands are called hundreds of times on the same rule base."""

from collections.abc import Mapping
from typing import Any

import pytest

from cds_service import fitness
from cds_service.rulebase.model import RuleBase


@pytest.fixture(scope="session")
def loaded() -> dict[object, RuleBase]:
    """Return the rule bases that were read so far: frozen, so that no command can change one."""
    return {}


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch, loaded: dict[object, RuleBase]) -> None:
    """Read the same content files once; a broken rule base is read, and refused, every time."""
    load = fitness.load

    def remembered(texts: Mapping[str, str], **options: Any) -> RuleBase:
        key = (frozenset(texts.items()), frozenset(options.items()))
        if key not in loaded:
            loaded[key] = load(texts, **options)
        return loaded[key]

    monkeypatch.setattr(fitness, "load", remembered)
