"""Where a job stands in the tree: behind and below the need that ends last on the way to it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def tree_order(jobs: Sequence[str], needs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int]]:
    """Every job once with its depth, each behind its parent: of its needs the one with the longest way to it (the last of these).

    Jobs without needs, and children of one parent, stay in the order of the file. Needs that are no job here are overlooked.
    """
    parents = _parents(jobs, needs)
    children: dict[str | None, list[str]] = {}
    for job in dict.fromkeys(jobs):
        children.setdefault(parents[job], []).append(job)
    waiting = [(job, 0) for job in reversed(children.get(None, []))]
    while waiting:
        job, depth = waiting.pop()
        yield job, depth
        waiting += [(child, depth + 1) for child in reversed(children.get(job, []))]


def longest_ways(
    jobs: Sequence[str], needs: Mapping[str, Sequence[str]], weight: Mapping[str, float]
) -> dict[str, float]:
    """For each job the weight of the heaviest chain of needs that ends with it, its own included. No recursion: chains may be long."""
    known = set(jobs)
    found: dict[str, float] = {}
    for job in jobs:
        path = [job]
        entered: set[str] = set()
        while path:
            here = path[-1]
            open_needs = [
                need
                for need in needs.get(here, ())
                if need in known and need not in found and need not in entered
            ]
            if here not in entered and open_needs:
                entered.add(here)
                path += open_needs
                continue
            path.pop()
            if here not in found:
                before = [found[need] for need in needs.get(here, ()) if need in found]
                found[here] = weight.get(here, 0.0) + max(before, default=0.0)
    return found


def _parents(jobs: Sequence[str], needs: Mapping[str, Sequence[str]]) -> dict[str, str | None]:
    ways = longest_ways(jobs, needs, dict.fromkeys(jobs, 1.0))
    parents: dict[str, str | None] = {}
    for job in jobs:
        candidates = [need for need in needs.get(job, ()) if need in ways and ways[need] < ways[job]]
        parents[job] = max(reversed(candidates), key=lambda need: ways[need], default=None)
    return parents
