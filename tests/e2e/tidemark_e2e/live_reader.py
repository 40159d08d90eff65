#!/usr/bin/env python3
"""A reader that never stops, as a process of its own: live_reader.py LINK FILE... resolves the link once a pass, reads all the files below what it
found, and looks whether each begins with the same line. Reads until its standard input ends; then says in JSON what it has seen, the first faults
in words."""

import json
import os
import select
import sys
from collections import Counter


def read(tree, name):
    file = os.open(name, os.O_RDONLY, dir_fd=tree)
    try:
        return os.read(file, 1 << 16).split(b"\n", 1)[0].decode()
    finally:
        os.close(file)


def one_pass(link, names):
    """(what it saw: the revision's first line, or None; the fault in words, or None)"""
    try:
        tree = os.open(link, os.O_RDONLY | os.O_DIRECTORY)  # the kernel follows the link, once
    except OSError as failure:
        return None, f"no tree: {failure}"
    try:
        lines = {name: read(tree, name) for name in names}
    except OSError as failure:
        return None, f"a file is missing: {failure}"
    finally:
        os.close(tree)
    found = Counter(lines.values())
    return (next(iter(found)), None) if len(found) == 1 else (None, f"a mixed tree: {found}")


def main():
    link, names = sys.argv[1], sys.argv[2:]
    passes, faults, revisions, last = 0, [], 0, None
    while not select.select([sys.stdin], [], [], 0)[0]:
        seen, fault = one_pass(link, names)
        passes += 1
        if fault:
            faults.append(fault)
        elif seen != last:
            revisions, last = revisions + 1, seen
    print(json.dumps({"passes": passes, "revisions": revisions, "faults": len(faults), "first": faults[:3]}))


if __name__ == "__main__":
    main()
