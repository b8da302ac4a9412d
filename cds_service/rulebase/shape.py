"""The JSON Schemas of files that people write: rules, and the clients file."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema


def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    """The exact validator of `schema`; a pattern ends where ECMA-262 has it end."""
    made: jsonschema.Draft202012Validator = _Exact(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    return made


def _pattern(
    _: Any, pattern: str, instance: Any, __: dict[str, Any]
) -> Iterator[jsonschema.ValidationError]:
    # JSON Schema 2020-12 6.4: the dialect is ECMA-262's, where `$` is the end. Python's also matches
    # before a last newline, and a name with one would be taken.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


_Exact: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call] # it has no types
    jsonschema.Draft202012Validator, {"pattern": _pattern}
)
