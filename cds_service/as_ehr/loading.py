"""A patient of our own onto a FHIR server, by one transaction, or as much of it as the server takes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cds_service import emission
from cds_service.as_ehr.calling import Json, in_words
from cds_service.as_ehr.fhir_server import FhirServer

_DONE = 300  # statuses of HTTP below this are well


class Loaded(msgspec.Struct, frozen=True):
    """What became of one patient.

    Attributes:
        taken: how many resources the server took.
        refused: `Type/id` → what the server said.
        left_out: `Type/id` of what was not sent after a refusal, because it is no R4: some invented
            records are broken on purpose.
    """

    taken: int
    refused: Mapping[str, str] = {}
    left_out: tuple[str, ...] = ()


def load(server: FhirServer, bundle: Json, *, overwrite: bool = False) -> Loaded:
    """Put a patient's resources, replacing those of an earlier time.

    What a server refuses as a whole is sent again without what is no R4, and then as a batch, so that
    one resource does not keep out the others.

    Args:
        server: where to.
        bundle: a transaction of PUTs, with one Patient.
        overwrite: replace a Patient of the same id even if it is somebody else's.
    """
    [patient] = [one["resource"] for one in bundle["entry"] if _kind(one) == "Patient"]
    if not overwrite and (whose := _somebody_elses(server, patient)):
        return Loaded(0, {f"Patient/{patient['id']}": whose})
    if server.send(bundle).well:
        return Loaded(len(bundle["entry"]))
    wrong = [one for one in bundle["entry"] if emission.problem_of(one["resource"])]
    left_out = tuple(one["request"]["url"] for one in wrong)
    rest = [one for one in bundle["entry"] if one not in wrong]
    if wrong and server.send({**bundle, "entry": rest}).well:
        return Loaded(len(rest), {}, left_out)
    answer = server.send({**bundle, "type": "batch", "entry": rest})
    if not answer.well:
        return Loaded(0, {f"Patient/{patient['id']}": answer.said}, left_out)
    refused = _refused(rest, answer.body)
    return Loaded(len(rest) - len(refused), refused, left_out)


def _kind(entry: Mapping[str, Any]) -> str:
    return str(entry["resource"]["resourceType"])


def _somebody_elses(server: FhirServer, patient: Json) -> str:
    """Why a Patient must not be replaced; empty when there is none, or it is ours by its identifier."""
    there = server.read(f"Patient/{patient['id']}").body
    if there is None:
        return ""
    ours = {(one["system"], one["value"]) for one in patient["identifier"]}
    theirs = there.get("identifier")
    if ours & {
        (one.get("system"), one.get("value"))
        for one in (theirs if isinstance(theirs, list) else [])
        if isinstance(one, dict)
    }:
        return ""
    return "the server has another patient of this id, who is not ours (--overwrite replaces it)"


def _refused(sent: list[Json], body: Json) -> dict[str, str]:
    refused = {}
    entries = body.get("entry")
    answers = entries if isinstance(entries, list) else []
    for number, one in enumerate(sent):
        response = answers[number].get("response", {}) if number < len(answers) else {}
        status = str(response.get("status", ""))
        if not status[:3].isdigit() or int(status[:3]) >= _DONE:
            outcome = response.get("outcome")
            words = in_words(outcome) if isinstance(outcome, dict) else ""
            refused[str(one["request"]["url"])] = f"{status or 'no answer'} {words}".strip()
    return refused
