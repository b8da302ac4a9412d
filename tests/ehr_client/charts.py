"""What an EHR is answered for a fixture patient, as text, and what the golden says it should be."""

import json
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from tests.ehr_client.ehr import Ehr
from tests.golden import pairs, rendering

# Patients about whom an EHR can tell less than their golden knows → what is then not in the answer.
# Each pattern has to occur: what no longer differs is taken out of here.
TOLD_LESS: Mapping[str, tuple[str, ...]] = {
    # A server keeps nothing that is no R4, and finds no result of another patient.
    "messy": (r"\nNot read: .*\n", r";\nnot or not wholly delivered: laboratory results(?=[.;])"),
}
# A server may keep 1.00 as 1.0, though R4 (datatypes, decimal) asks it to keep the precision.
TRAILING_ZEROS = re.compile(r"(?<![\d.])(\d+\.\d*?)0+(?!\d)")


def golden(name: str) -> str:
    """Return what a patient's golden has below the line, less what an EHR cannot tell."""
    text = pairs.path(name).read_text("utf-8").split(rendering.BELOW + "\n")[1]
    for pattern in TOLD_LESS.get(name, ()):
        text, times = re.subn(pattern, "", text)
        assert times, f"TOLD_LESS[{name!r}]: {pattern!r} does not occur"
    return text


def bundle(name: str) -> dict[str, Any]:
    """Return the transaction that brings a patient into a server, as it is in the file."""
    text = (pairs.FOLDER / "patients" / f"{name}.json").read_bytes()
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found


def asked(ehr: Ehr, name: str, *, prefetch: bool = True, sent: Collection[str] = ()) -> str:
    """Open a chart, choose and sign its orders: every hook, and all answers as text.

    Without `prefetch` the calls bring nothing but what is `sent` (resource types that the server cannot
    be searched for), and the service has to ask for itself.
    """
    now = bundle(name)["timestamp"]
    answers: dict[str, Any] = {}
    for service in ehr.services():
        context = ehr.context(service["hook"], name)
        if service["hook"] in pairs.NEEDS_ENCOUNTER and "encounterId" not in context:
            continue
        brought = None
        if prefetch or sent:
            wanted = {
                key: template
                for key, template in service["prefetch"].items()
                if prefetch or template.partition("?")[0] in sent
            }
            brought = ehr.prefetch({**service, "prefetch": wanted}, context)
        answers[service["hook"]] = ehr.call(service, context, brought, now)
    return rendering.below(answers)
