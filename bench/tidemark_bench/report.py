"""The page docs/benchmarks.md: a section with a table for each of the programs that measure."""
import os
import platform
import re
import subprocess
from dataclasses import dataclass, field
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
    spread: list = field(default_factory=list)  # the ratios of all pairs

    def cells(self):
        measured = self.ratio if self.ratio is not None else self.value
        verdict = "" if self.target is None else "not measured" if measured is None else "met" if measured <= self.target else "**missed**"
        ratio = f"{self.ratio:.2f} x" if self.ratio is not None else ""
        if len(self.spread) > 1:
            ratio += f" ({', '.join(f'{each:.2f}' for each in self.spread)})"
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


def git_version():
    return subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout.strip()


def version(project):
    commit = subprocess.run(["git", "-C", str(project), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    return commit or "unknown"


PAGE = """# Benchmarks

Written by `bench/run`, `bench/run-engine` and `bench/run-sync`, a section each; every figure stands beside its reference, which was measured in the same run on the
same machine. Absolute numbers say little about another machine, the ratios do.
"""

FILE_NOTES = """Written by `bench/run`. On a machine with other work the cold start is at a disadvantage: it needs two CPUs at once, its reference one.

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

SERVER_NOTES = """Written by `bench/run-engine`: the agent on one warm search server on the same machine, beside the shortest program on libcurl that asks that server
for the same (`bench/engine_reference.cpp`), by turns.

- *Cold index*: from the start of `tidemark-ingest` on a published revision until it is searchable: git is read, files are parsed, an index is made,
  filled, counted and given the alias. Reference: the identical bulk bodies from memory into a new index of the same mapping and settings, then its
  settings and a refresh, with the batch size and the number of bulks at once that were fastest in a sweep of 16 combinations before. The figures are
  those of the pair with the median ratio, in brackets the ratios of all pairs; the order of the two changes with each pair.
- *Server CPU*: the JVM's, until all merges are done, a document.
- *Push to searchable*: from the flip of the link, with the hint, until the page is found: until `/api/v1/wait` answers, less what follows the answer
  to the bulk with its refresh (the run's own stage `commit`). *Push to checkpoint*: until `/api/v1/wait` answers, the stricter
  measure, against which the limit was held until 22 November 2026. Reference: one bulk of the same document with `refresh=true` into an index of the
  same size, timed by the same program, after 200 pushes that warm the server up for both.
- *Audit*: ten documents were edited, deleted or added by hand; `POST /api/v1/resync?mode=audit` until they are repaired. Reference: the bare listing
  of the same index, with the same pages of 10,000 rows and the same fields. Requests and bytes (of bodies) are counted by a proxy in a run of its
  own.
- *With nothing new*: of one reconcile period, counted by the proxy; the lease's renewal (three in a `--lease-duration`) has its own timer and is not
  among the requests. Every 10 minutes, an analysis probe of up to three requests more.
- *Memory* is the highest RssAnon, sampled every 10 ms.

Generated files are Markdown pages of 1.5 KiB, and JSON for every tenth.
"""

SYNC_NOTES = """Written by `bench/run-sync`: `tidemark-sync` beside the git command, by turns.

- *First publish*: `tidemark-sync --one-time` on an empty volume with all files checked out, from the start of the process to its end; everything is on
  the disk then (`syncfs`). Reference: `git clone --depth 1` of the same repository, whose history is one commit. The figures are those of the pair
  with the median ratio, in brackets the ratios of all pairs; the order of the two changes with each pair.
- *Limited*: the same in a 64 MiB memory group of its own.
- *Push to flip*: from `POST /sync` until the link names the commit, `--checkout none`. Reference: `git fetch --depth 1` of the same push. The CPU is
  that of the whole push, what is tidied up afterwards too.
- *With a full checkout* one file is written, the others are hard links to the tree before.
- *Polls* are those of a repository over http, ten a second; bytes of both directions are counted by a relay.

Repositories are served by `git daemon`, for the polls by `git http-backend`. Generated files are Markdown pages of 1.5 KiB, and JSON for every tenth.
"""

SECTIONS = {"The embedded engine": FILE_NOTES, "A search server": SERVER_NOTES, "The sidecar": SYNC_NOTES}


def sections_of(text):
    """What stands below each heading of the second level."""
    parts = re.split(r"^## (.*)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def write(path, section, rows, description):
    """One section; the others stay as they are."""
    path = Path(path)
    sections = sections_of(path.read_text()) if path.exists() else {}
    header = ["Measure", "Repository", "Tidemark", "Reference", "Ratio", "Target", ""]
    lines = [SECTIONS[section], description, "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    sections[section] = "\n".join(lines) + "\n"
    path.write_text(PAGE + "".join(f"\n## {name}\n{sections[name].strip()}\n" for name in SECTIONS if name in sections))
