"""A mapping whose values are worked out when they are first asked for, and remembered.

A rule whose entry fact is false asks for nothing else; what nobody asks for costs nothing. For whoever
reads it, it is a plain mapping of everything.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

V = TypeVar("V")


class Remembered(dict[str, V]):
    """A dictionary that works out what it does not hold: what is asked again is a lookup in C."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[str], V]) -> None:
        """Know nothing yet."""
        self._read = read

    def __missing__(self, name: str) -> V:
        value = self[name] = self._read(name)
        return value


class OnDemand(Mapping[str, V]):
    """Names to values; `read` works one out, or gives None for a name that has none."""

    __slots__ = ("_known", "_names", "_read")

    def __init__(self, names: Collection[str], read: Callable[[str], V | None]) -> None:
        """Know nothing yet."""
        self._names = names
        self._read = read
        self._known: dict[str, V] = {}

    def __getitem__(self, name: str) -> V:
        value = self._known.get(name)
        if value is None:
            value = self._read(name) if name in self._names else None
            if value is None:
                raise KeyError(name)
            self._known[name] = value
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
