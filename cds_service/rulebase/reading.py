"""YAML read with the line of every key and value, exact numbers, and no silent duplicates."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import yaml

from cds_service.failures import ContentProblem

Path = tuple[str | int, ...]
# The sections of the terminology whose words count as the codes they name.
WORDS = ("phrases", "medicine-names")
# The section of medicines that count as no code.
UNREAD = "unread-medicines"
# Beyond any file that somebody wrote. An alias stands for all that its anchor holds, so a few lines of
# them can mean more than fits into memory, or have no end; nesting without a bound ends the process.
_DEEPEST = 100
_MOST = 200_000  # keys and values of one file

_STRING, _INTEGER, _FLOAT = (
    "tag:yaml.org,2002:str",
    "tag:yaml.org,2002:int",
    "tag:yaml.org,2002:float",
)
_BOOLEAN, _NULL = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"


class _Loader(yaml.CSafeLoader):
    """The loader, which else goes as deep as the text and overruns the stack of the process."""

    _depth = 0

    def descend_resolver(self, parent: Any, index: Any) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _BeyondError(f"nested more than {_DEEPEST} deep", parent)
        super().descend_resolver(parent, index)

    def ascend_resolver(self) -> None:
        self._depth -= 1
        super().ascend_resolver()


class _BeyondError(yaml.MarkedYAMLError):
    """More than is read."""

    def __init__(self, what: str, node: yaml.Node | None) -> None:
        super().__init__(problem=what, problem_mark=node.start_mark if node else None)


class Document(msgspec.Struct, frozen=True):
    """One content file: its plain value and the line where each path begins."""

    file: str
    value: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing above it that has one."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, what: str) -> ContentProblem:
        """A problem at `path` of this file."""
        return ContentProblem(self.file, self.line(path), what)


def read(file: str, text: str) -> tuple[Document, list[ContentProblem]]:
    """Parse one YAML text; the document is empty where it cannot be parsed at all."""
    lines: dict[Path, int] = {}
    problems: list[ContentProblem] = []
    try:
        node = yaml.compose(text, Loader=_Loader)
        value = None if node is None else _plain(node, (), lines, problems, file)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        what = getattr(error, "problem", None) or "not YAML"
        if mark and "".join(text.splitlines()[mark.line : line])[mark.column :].startswith("\t"):
            what = "a tab; indent with blanks"
        return Document(file, None, {}), [ContentProblem(file, line, f"not valid YAML: {what}")]
    if node is None:
        return Document(file, None, {}), [ContentProblem(file, 1, "the file is empty")]
    return Document(file, value, lines), problems


def _plain(
    node: yaml.Node, path: Path, lines: dict[Path, int], problems: list[ContentProblem], file: str
) -> Any:
    if len(path) > _DEEPEST or len(lines) > _MOST:
        raise _BeyondError(f"aliases that mean more than {_MOST} values, or themselves", node)
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in mapping:
                problems.append(ContentProblem(file, line, f"the key {key!r} stands twice"))
            mapping[key] = _plain(value_node, (*path, key), lines, problems, file)
            lines[(*path, key)] = line
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(child, (*path, index), lines, problems, file)
            for index, child in enumerate(node.value)
        ]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    match node.tag:
        case t if t == _INTEGER:
            return int(text) if text.lstrip("+-").isdigit() else text
        case t if t == _FLOAT:
            return _exact(text)
        case t if t == _BOOLEAN:
            return text.lower() in {"true", "yes", "on"}
        case t if t == _NULL:
            return None
        case _:
            return text


def _exact(text: str) -> Decimal | str:
    """The number as written; what YAML takes for one and is none (`.nan`, `1:30.5`) stays text."""
    try:
        number = Decimal(text.replace("_", ""))
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def strings(value: Any) -> Iterator[str]:
    """Every string inside a plain value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
