"""Real-world bundles that others wrote, through the hooks over HTTP: nothing breaks, all is said.

The data are not part of the project; see `shared_data` in tests/conftest.py for where they are
looked for. Run with `--log-cli-level=INFO` to see in how many patients each rule fires, is silent or
is unknown.
"""

import gzip
import json
import logging
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service import content, fitness
from cds_service.cases import fixtures
from tests.integration.conftest import Server

pytestmark = [pytest.mark.server, pytest.mark.shared_data]

# The data are of other years: each patient is asked about a day after the newest entry.
_DATES = ("effectiveDateTime", "onsetDateTime", "recordedDate", "authoredOn", "issued")


def bundles(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path.name, json.loads(gzip.decompress(path.read_bytes())))
        for part in ("synthea", "mimic-iv-demo")
        for path in sorted((folder / part).glob("*.json.gz"))
    ]


def newest(bundle: dict[str, Any]) -> datetime:
    texts = [
        resource[key]
        for resource in fixtures.resources(bundle)
        for key in _DATES
        if isinstance(resource.get(key), str) and len(resource[key]) >= 10
    ]
    return datetime.fromisoformat(max(texts)[:10]).replace(hour=23, tzinfo=UTC)


def test_every_patient_is_answered_at_every_hook(shared_data: Path, server: Server) -> None:
    rule_base = fitness.load(content.texts(content.folder("cards")))
    counts: dict[str, Counter[str]] = {rule: Counter() for rule in rule_base.rules}
    patients = bundles(shared_data)
    for name, bundle in patients:
        for service in rule_base.services.values():
            body = fixtures.hook_request(bundle, service, now=newest(bundle))
            answer = requests.post(
                f"http://127.0.0.1:{server.port}/cds-services/{service.id}", json=body, timeout=30
            )
            assert answer.status_code == 200, (name, service.id, answer.text[:300])
            lines = answer.json()["extension"]["org.heavylegs.evaluation"]
            assert {line["id"] for line in lines} == set(rule_base.rules)
            for line in lines:
                if line["shown"] != "not-this-hook":
                    assert line["outcome"] in ("fires", "silent", "unknown"), (name, line)
                    counts[line["id"]][f"{line['outcome']} ({service.hook})"] += 1
    told = [f"{len(patients)} patients"]
    told += [
        f"  {rule}: " + ", ".join(f"{what} {n}" for what, n in sorted(count.items()))
        for rule, count in counts.items()
    ]
    logging.getLogger(__name__).info("\n".join(told))
    assert len(patients) >= 30
