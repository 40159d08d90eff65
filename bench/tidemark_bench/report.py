"""The table of docs/benchmarks.md."""
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Row:
    measure: str
    where: str
    ours: str
    reference: str = ""
    ratio: float | None = None
    target: float | None = None  # the ratio, or `value`, is at most this
    value: float | None = None
    unit: str = ""

    def cells(self):
        measured = self.ratio if self.ratio is not None else self.value
        verdict = "" if self.target is None else "not measured" if measured is None else "met" if measured <= self.target else "**missed**"
        ratio = f"{self.ratio:.2f} x" if self.ratio is not None else ""
        target = "" if self.target is None else f"≤ {self.target:g} x" if self.ratio is not None else f"≤ {self.target:g} {self.unit}"
        return [self.measure, self.where, self.ours, self.reference, ratio, target, verdict]


def ms(seconds):
    return f"{seconds * 1e3:.1f} ms"


def mib(kib):
    return f"{kib / 1024:.1f} MiB"


def machine():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    release = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return f"{os.cpu_count()} × {model.group(1) if model else platform.machine()}, {release.group(1) if release else platform.system()}, Linux {platform.release()}"


def version(project):
    commit = subprocess.run(["git", "-C", str(project), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    return commit or "unknown"


HEAD = """# Benchmarks

Written by `bench/run`; every figure stands beside its reference, which was measured in the same run on the same machine. Absolute numbers say little
about another machine, the ratios do. On a machine with other work the cold start is at a disadvantage: it needs two CPUs at once, its reference one.

- *Cold start*: `tidemark-sync --checkout none` and `tidemark-ingest` started at the same moment on empty volumes, until the revision is searchable.
  Reference: `git clone --bare`, then all documents from memory into the same FTS5 tables in one transaction (`bench/reference.cpp`; whichever of
  FTS5's two ways of merging is faster, with FTS5's own settings). Parsing is not part of the reference. Both are measured in turn; the figures are
  those of the pair with the median ratio.
- *Push to searchable*: from `POST /sync` on sync until `/api/v1/wait` answers. Reference: `git fetch` of the same push, one insert and commit.
- *CPU of a push*: of each process, from `POST /sync` until both are at rest again. The reference is the same at the smallest repository.
- *With nothing new*: both look ten times a second, and nobody asks them anything; figures are of one look. System calls by `strace -f -c`.
- *Memory* is the highest RssAnon (sampled every 10 ms) and VmHWM during the cold start; *limited* is a cold start with each program in a 64 MiB
  memory group of its own.

libgit2 1.5 (Debian 12) fetches the whole history and indexes it with one thread and a SHA-1 that looks for collisions, where git uses two threads: a
repository with a long history of large files takes longer than with git. From libgit2 1.7 on (Debian 13) tidemark-sync fetches what `--depth` asks
for, one commit by default.

Repositories are served by `git daemon`. Generated files are Markdown pages of 1.5 KiB, and JSON for every tenth.
"""


def write(path, rows, description):
    header = ["Measure", "Repository", "Tidemark", "Reference", "Ratio", "Target", ""]
    lines = [HEAD, description, "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    Path(path).write_text("\n".join(lines) + "\n")
