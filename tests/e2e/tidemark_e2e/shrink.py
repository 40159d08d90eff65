"""Makes a failure small: as few of the last pushes, and then as few of their paths, as still show it."""

import time

from .world import replay

BUDGET = 90  # seconds


def shrink(trees, checkout, server_url=None):
    """(trees, differences) of the smallest failing replay that was found, or None when a replay of the trees alone does not fail (then the timing matters, or the history)."""
    deadline = time.monotonic() + BUDGET
    found = None
    for count in (2, 3, 5, 9):
        last = trees[-count:]
        differences = replay(last, checkout, server_url)
        if differences:
            found = (last, differences)
            break
        if time.monotonic() > deadline or count >= len(trees):
            return None
    if not found:
        return None
    trees, differences = found
    paths = sorted(set().union(*trees))
    step = max(1, len(paths) // 2)
    while step and time.monotonic() < deadline:
        start, dropped = 0, False
        while start < len(paths) and time.monotonic() < deadline:
            kept = paths[:start] + paths[start + step :]
            smaller = [{path: file for path, file in tree.items() if path in kept} for tree in trees]
            again = replay(smaller, checkout, server_url)
            if again:
                paths, trees, differences, dropped = kept, smaller, again, True
            else:
                start += step
        step = step if dropped and step == 1 and len(paths) > 1 else step // 2
    return trees, differences


def describe(trees):
    out = []
    for number, tree in enumerate(trees):
        out.append(f"  tree {number}:")
        out += [f"    {file.mode} {path!r} {file.content[:300]!r}{'...' if len(file.content) > 300 else ''}" for path, file in sorted(tree.items())]
    return "\n".join(out)
