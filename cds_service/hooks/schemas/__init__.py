"""The JSON Schemas of the protocol's bodies, and the check of an envelope against them.

`jsonschema-rs` says quickly whether a body is right; only a refused body is given to `jsonschema`,
whose error names the path and the reason.
"""

import json
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

import jsonschema
import jsonschema_rs
from referencing import Registry, Resource

from cds_service.failures import Failure, Kind

NAMES = (
    "discovery",
    "request",
    "patient-view",
    "encounter-start",
    "order-select",
    "order-sign",
    "response",
    "feedback",
)


_MANY = 501  # one more than a feedback body may hold
_FEW = 20
_NESTED = 2  # levels down; the list of feedback stands at 1
_DEEP_ENOUGH = 8  # no schema of a request looks further down


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema `name` as plain values."""
    text = files(__package__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _registry() -> Registry[Any]:
    return Registry().with_resources(
        (schema(name)["$id"], Resource.from_contents(schema(name))) for name in NAMES
    )


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """The exact validator of `name`; slow, and its errors are good."""
    return jsonschema.Draft202012Validator(
        schema(name),
        registry=_registry(),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


@cache
def _quick(name: str) -> Any:
    registry = jsonschema_rs.Registry([(schema(one)["$id"], schema(one)) for one in NAMES])
    return jsonschema_rs.validator_for(schema(name), registry=registry)


def check(name: str, body: Any) -> None:
    """Refuse `body` unless it has the shape of schema `name`.

    Raises:
        Failure: incorrect, with the JSON path of the deepest thing that is wrong.
    """
    if _quick(name).is_valid(body):
        return
    error = jsonschema.exceptions.best_match(validator(name).iter_errors(_beginning(body)))
    if error is None:  # further on, or a pattern that the two read differently: `$` before a newline
        path = _first_path(name, body)
        raise Failure(Kind.INCORRECT, "has not the shape it must have", where=path or "the body")
    path = ".".join(str(part) for part in error.absolute_path)
    raise Failure(Kind.INCORRECT, _worded(error), where=path or "the body", todo=_todo(error, path))


# What a member is, where its name alone does not say it.
_WHAT_TO_SEND = {
    "encounterId": "the id of the Encounter, without its type (`123`, not `Encounter/123`)",
    "patientId": "the id of the Patient, without its type (`123`, not `Patient/123`)",
    "userId": "the user's type and id (`Practitioner/123`)",
    "hookInstance": "a new UUID for each call",
    "draftOrders": "a Bundle of the orders being placed",
    "selections": "the references of the orders that were just chosen, an array",
    "outcomeTimestamp": "a date and time with its zone (`2026-11-23T14:50:00Z`)",
}


def _todo(error: jsonschema.ValidationError, path: str) -> str:
    if error.validator != "required":
        wanted = _WHAT_TO_SEND.get(path.rpartition(".")[2])
        return f"send {wanted}" if wanted else "see the CDS Hooks specification"
    have = error.instance.keys() if isinstance(error.instance, dict) else ()
    want: Any = error.validator_value
    members = [str(name) for name in want if name not in have]
    within = f"{path}." if path else ""
    sent = [
        f"{within}{name}: {_WHAT_TO_SEND[name]}" if name in _WHAT_TO_SEND else f"{within}{name}"
        for name in members
    ]
    return f"send {'; '.join(sent)}"


def _beginning(value: Any, depth: int = 0) -> Any:
    """As much of a refused body as the slow validator shall see: millions of items take minutes."""
    if depth == _DEEP_ENOUGH:
        return value
    if isinstance(value, dict):
        return {key: _beginning(one, depth + 1) for key, one in islice(value.items(), _MANY)}
    if isinstance(value, list):
        return [_beginning(one, depth + 1) for one in value[: _MANY if depth < _NESTED else _FEW]]
    return value


def _first_path(name: str, body: Any) -> str:
    try:
        _quick(name).validate(body)
    except jsonschema_rs.ValidationError as error:
        return ".".join(str(part) for part in error.instance_path)
    return ""


_LIMITS = {
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} entries",
    "maxItems": "must have at most {} entries",
    "pattern": "must be an id: no slash, no blank, no `?` or `#`",
    "dependentRequired": "lacks a member that another demands (fhirServer with fhirAuthorization)",
}


def _worded(error: jsonschema.ValidationError) -> str:
    # The library's own messages quote the value, which may come from a patient's record.
    want: Any = error.validator_value
    match error.validator:
        case "required":
            have = error.instance.keys() if isinstance(error.instance, dict) else ()
            return "is missing " + ", ".join(name for name in want if name not in have)
        case "type":
            return f"must be of type {want if isinstance(want, str) else ' or '.join(want)}"
        case "enum":
            return "must be one of " + ", ".join(str(one) for one in want)
        case "const":
            return f"must be {want!r}"
        case "minLength" | "minItems" if want == 1:
            return "must not be empty"
    told = _LIMITS.get(str(error.validator), f"does not satisfy {error.validator}")
    return told.format(want)
