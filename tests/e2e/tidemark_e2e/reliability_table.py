"""The table of the fault matrix, docs/reliability.md: written by the test run, row by row."""

import statistics
from pathlib import Path

HEAD = """# Faults, and how the index became equal to the tree again

Made by `tests/e2e/reliability_test.py --table`, on real servers with both programs as processes. Each cell: a small repository with
Japanese and odd names is indexed, the fault happens, a push meets it, and once the agent's status claims to be level the index is read past
the agent and compared with `git ls-tree` document by document; no other index of the source may be left. A claim that does not hold fails
the cell; of what was done to the index behind the agent's back it can know from the next look on, so there the claim counts once an audit
or a rebuild has followed. The seconds are from the fault to the proven equality, with a lease of 1 s and a reconcile period of 1 s, on two
busy cores; those of a killed server hold its restart. With one trial p50 and max are the same figure.

| Fault | Runs that healed it | p50 s | max s | Trials | Engine |
|---|---|---|---|---|---|
"""


class Row:
    def __init__(self, fault, engine):
        self.fault, self.engine, self.seconds, self.modes = fault, engine, [], []

    def add(self, seconds, modes):
        self.seconds.append(seconds)
        self.modes += [mode for mode in modes if mode not in self.modes]

    def line(self):
        return (
            f"| {self.fault} | {', '.join(self.modes) or 'none needed'} | {statistics.median(self.seconds):.1f} | {max(self.seconds):.1f} "
            f"| {len(self.seconds)} | {self.engine} |"
        )


def key(line):
    cells = [part.strip() for part in line.strip("|").split("|")]
    return cells[0], cells[-1]


def write_table(path, rows):
    """What follows the table under a heading of its own stays."""
    path = Path(path)
    table, heading, rest = (path.read_text() if path.exists() else "").partition("\n## ")
    lines = {key(line): line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| Fault")}
    for row in rows.values():
        lines[key(row.line())] = row.line()
    path.write_text(HEAD + "\n".join(lines.values()) + "\n" + heading + rest)
