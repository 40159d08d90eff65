#!/usr/bin/env python3
"""A reader that never stops, as a process of its own: live_reader.py LINK FILE... -- OTHER... resolves the link once a pass, reads all the files
below what it found, and looks whether each begins and ends with the same line, and whether nothing is there but they, the others, and git's own.
Reads until its standard input ends; then says in JSON what it has seen, the first faults in words."""

import json
import os
import select
import sys
from collections import Counter
from pathlib import PurePath


def read(tree, name):
    file = os.open(name, os.O_RDONLY, dir_fd=tree)
    try:
        content = os.read(file, 1 << 16)
    finally:
        os.close(file)
    line = content[: content.find(b"\n") + 1]
    return line.decode() if line and len(content) > len(line) and content.endswith(line) else f"half of {name}"


def listed(tree, folder):
    """The paths of what is in it."""
    place = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=tree)
    try:
        return {folder + name for name in os.listdir(place)} - {folder + ".git"}
    finally:
        os.close(place)


def contents(names):
    """What is in each folder that these are below, folders, too."""
    folders = {}
    for name in names:
        for path in (PurePath(name), *PurePath(name).parents[:-1]):
            folders.setdefault(os.path.join(path.parent, "") if path.parent.name else "", set()).add(os.fspath(path))
    return folders


def one_pass(link, names, folders):
    """(what it saw: the revision's line, or None; the fault in words, or None)"""
    try:
        tree = os.open(link, os.O_RDONLY | os.O_DIRECTORY)  # the kernel follows the link, once
    except OSError as failure:
        return None, f"no tree: {failure}"
    try:
        lines = {name: read(tree, name) for name in names}
        others = [sorted(differs) for folder, expected in folders.items() if (differs := listed(tree, folder) ^ expected)]
    except OSError as failure:
        return None, f"a file is missing: {failure}"
    finally:
        os.close(tree)
    if others:
        return None, f"missing, or not of the tree: {others}"
    found = Counter(lines.values())
    return (next(iter(found)), None) if len(found) == 1 else (None, f"a mixed tree: {found}")


def main():
    link, *rest = sys.argv[1:]
    names, folders = rest[: rest.index("--")], contents(name for name in rest if name != "--")
    passes, faults, revisions, last = 0, [], 0, None
    while not select.select([sys.stdin], [], [], 0)[0]:
        seen, fault = one_pass(link, names, folders)
        passes += 1
        if fault:
            faults.append(fault)
        elif seen != last:
            revisions, last = revisions + 1, seen
    print(json.dumps({"passes": passes, "revisions": revisions, "faults": len(faults), "first": faults[:3]}))


if __name__ == "__main__":
    main()
