"""Where the programs are, folders that vanish, free ports, and waiting for a condition with a deadline."""

import json
import os
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]

# Sanitizer builds on a busy machine are slow; a deadline is the point at which waiting becomes a failure, never something that is slept through.
PATIENCE = float(os.environ.get("TIDEMARK_E2E_PATIENCE", "60"))
UNDER_CI = os.environ.get("CI") == "true"


class DeadlinePassed(AssertionError):
    pass


def binary(name):
    folder = os.environ.get("TIDEMARK_BIN_DIR")
    if not folder:
        raise RuntimeError("TIDEMARK_BIN_DIR has to name the folder of tidemark-sync and tidemark-ingest (build/release, for instance)")
    path = Path(folder).resolve() / name
    if not path.exists():
        raise RuntimeError(f"{path} does not exist: build it first")
    return str(path)


def wait_until(condition, what, patience=None, pause=0.005):
    """The first true value that `condition` gives. `what` is said when the deadline passes; a callable is asked at that time."""
    deadline = time.monotonic() + (PATIENCE if patience is None else patience)
    never = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise DeadlinePassed(f"not within {PATIENCE if patience is None else patience:g} s: {what() if callable(what) else what}")
        never.wait(pause)


def json_lines(path):
    """What a running program has written to a log of JSON lines so far; the last one may not be whole yet."""
    path = Path(path)
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")] if path.exists() else []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Folder:
    """A temporary folder, kept when TIDEMARK_E2E_KEEP is set. In memory where the machine has it: thousands of publications would wait for the disk."""

    def __init__(self, prefix="tidemark-e2e-"):
        base = os.environ.get("TIDEMARK_E2E_TMP")
        if not base and os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 2 << 30:
            base = "/dev/shm"
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=base))

    def __truediv__(self, name):
        return self.path / name

    def __str__(self):
        return str(self.path)

    def close(self):
        if not os.environ.get("TIDEMARK_E2E_KEEP"):
            shutil.rmtree(os.fsencode(self.path), ignore_errors=True)
