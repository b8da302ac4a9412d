"""Names that lead back to themselves."""

from collections.abc import Mapping


def circle_in(graph: Mapping[str, list[str]]) -> list[str]:
    """The first circle of a graph, its beginning once more at its end; empty when there is none."""
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for following in graph.get(name, ()):
            found = walk(following, [*trail, name])
            if found:
                return found
        done.add(name)
        return []

    for start in graph:
        found = walk(start, [])
        if found:
            return found
    return []
