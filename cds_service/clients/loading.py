"""The clients file: YAML in, `Clients` out, or *all* that is wrong with it, each with file and line."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from cds_service.clients import checks, jwks
from cds_service.clients.building import Builder, Standing
from cds_service.clients.jwks import Key
from cds_service.clients.model import ALGORITHMS, Clients
from cds_service.failures import BrokenClients, ContentProblem, Failure, Kind
from cds_service.rulebase import reading, shape
from cds_service.rulebase.model import RuleBase

if TYPE_CHECKING:
    from hashlib import _Hash as _Digest

_LARGEST = 1024 * 1024  # bytes, of the clients file and of a key file


def without(rule_base: RuleBase, standing: Standing) -> Clients:
    """The clients of a service without a clients file: nobody but `anonymous`.

    Raises:
        Failure: incorrect, when the rule base knows no such region.
    """
    return Builder(rule_base, standing, {}).clients({}, "")


def load(path: Path, rule_base: RuleBase, standing: Standing) -> Clients:
    """The clients of a file.

    Args:
        path: the clients file; key files are looked for beside it.
        rule_base: as content has it, for no region yet.
        standing: what holds where the file says nothing.

    Raises:
        BrokenClients: with every problem found, each with file and line.
        Failure: unavailable, when the file cannot be read.
    """
    clients, problems = examine(path, rule_base, standing)
    if clients is None:
        raise BrokenClients(problems)
    return clients


def examine(
    path: Path, rule_base: RuleBase, standing: Standing
) -> tuple[Clients | None, list[ContentProblem]]:
    """The clients of a file and its problems; None when there is any.

    Raises:
        Failure: unavailable, when the file cannot be read.
    """
    raw = _read(path)
    document, problems = reading.read(str(path), raw.decode("utf-8", "replace"))
    if problems:
        return None, problems
    problems = list(_misshapen(document))
    if problems:
        return None, problems
    keys, digest, wrong = _key_files(path.parent, document.value, sha256(raw))
    builder = Builder(rule_base, standing, document.value)
    found = [*checks.names(document.value, rule_base), *builder.unfit(), *wrong]
    problems = [document.problem(at, _said(at, what)) for at, what in found]
    if problems:
        return None, sorted(problems, key=lambda one: one.line)
    return builder.clients(keys, digest), []


def _key_files(
    folder: Path, value: Mapping[str, Any], digest: "_Digest"
) -> tuple[dict[str, tuple[Key, ...]], str, list[tuple[reading.Path, str]]]:
    """Client → the keys of its file; a digest of clients file and key files; what is wrong with them."""
    keys: dict[str, tuple[Key, ...]] = {}
    problems: list[tuple[reading.Path, str]] = []
    for name, entry in value.get("clients", {}).items():
        file = entry["keys"].get("file")
        if file is None:
            continue
        at = ("clients", name, "keys", "file")
        try:
            raw = _read(folder / file)
            found = jwks.parse(raw)
        except Failure as failure:
            problems.append((at, f"{file} {failure.what}"))
            continue
        except ValueError as error:
            problems.append((at, f"{file} {error}"))
            continue
        digest.update(sha256(raw).digest())
        problems.extend((at, f"{file}: {problem}") for problem in found.problems)
        algorithms = entry.get("algorithms", ALGORITHMS)
        for key in found.keys:
            if not any(key.fits(one) for one in algorithms):
                what = f"{file}: key {key.kid!r} fits none of the algorithms {', '.join(algorithms)}"
                problems.append((at, f"{what}; name others with `algorithms`"))
        keys[name] = found.keys
    return keys, digest.hexdigest(), problems


def _said(at: reading.Path, what: str) -> str:
    return f"{'/'.join(str(part) for part in at)}: {what}"


def _read(path: Path) -> bytes:
    try:
        # Without waiting: a pipe into which nobody writes would hold up the process above the others.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise Failure(Kind.UNAVAILABLE, "is no regular file", where=str(path))
            raw = opened.read(_LARGEST + 1)
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise Failure(
            Kind.UNAVAILABLE, what, where=str(path), todo="CDS_CLIENTS names the clients file"
        ) from error
    if len(raw) > _LARGEST:
        raise Failure(Kind.UNAVAILABLE, f"is larger than {_LARGEST} bytes", where=str(path))
    return raw


@cache
def _validator() -> jsonschema.Draft202012Validator:
    text = files(__package__).joinpath("clients.schema.json").read_text(encoding="utf-8")
    return shape.validator(json.loads(text))


def _misshapen(document: reading.Document) -> Iterator[ContentProblem]:
    for error in sorted(
        _validator().iter_errors(document.value), key=lambda one: list(map(str, one.path))
    ):
        deepest = jsonschema.exceptions.best_match([error]) or error
        at = tuple(deepest.absolute_path)
        if deepest.validator == "additionalProperties" and isinstance(deepest.instance, dict):
            known = deepest.schema.get("properties", {})
            for name in (one for one in deepest.instance if one not in known):
                what = f"there is no such key{checks.instead(name, known)}"
                yield document.problem((*at, name), _said((*at, name), what))
            continue
        yield document.problem(at, _said(at, deepest.message) if at else deepest.message)
