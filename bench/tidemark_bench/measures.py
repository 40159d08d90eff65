"""Each measure of the two programs beside its reference, on one repository."""
import http.client
import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field

from tidemark_e2e.client import request
from tidemark_e2e.environment import binary, wait_until
from tidemark_e2e.processes import Pair

from .process import MemoryLimit, MemorySampler, cpu_seconds, system_calls

PATIENCE = 1800  # seconds for a cold start
QUIET_GIT = ["-c", "gc.auto=0", "-c", "maintenance.auto=false"]


@dataclass
class Cold:
    """A cold start of both programs together, and its reference: of the pair with the middle ratio."""
    ratio: float = 0
    seconds: float = 0
    reference: float = 0
    clone: float = 0
    load: float = 0
    reference_cpu: float = 0
    cpu: dict = field(default_factory=dict)
    anonymous: dict = field(default_factory=dict)
    peak: dict = field(default_factory=dict)
    documents: int = 0


def make_pair(origin, url, folder, checkout="none", **periods):
    pair = Pair(folder, url, {"ref": origin.ref, "checkout": checkout, "period": periods.get("sync", "1h"), "webhook_timeout": "30s"},
                {"reconcile_period": periods.get("ingest", "1h")})
    pair.sync.root.mkdir(parents=True, exist_ok=True)
    return pair


def is_level(ingest, commit):
    try:
        return request(ingest.port, "GET", f"/api/v1/wait?commit={commit}&timeout=10", timeout=60).status == 200
    except (OSError, http.client.HTTPException):
        wait_until(lambda: not ingest.running(), "ingest, which hung up, ends", 10)
        return False


def start(pair, commit):
    """Both at the same moment; gives the seconds until the commit is searchable, and the sampled memory."""
    begin = time.perf_counter()
    pair.ingest.start()
    pair.sync.start()
    pids = [pair.sync.process.pid, pair.ingest.process.pid]
    with MemorySampler(pids) as memory:
        pair.ingest.wait_alive()
        deadline = time.monotonic() + PATIENCE
        while True:
            for program in (pair.sync, pair.ingest):
                if not program.running():
                    raise RuntimeError(f"{program.name} ended with {program.process.returncode}\n{program.tail()}")
            if is_level(pair.ingest, commit):
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"not level within {PATIENCE} s\n{pair.tails()}")
        seconds = time.perf_counter() - begin
    return seconds, memory


@dataclass
class Reference:
    clone: float
    load: float
    cpu: float
    documents: int

    @property
    def seconds(self):
        return self.clone + self.load


def clone_and_load(origin, url, folder):
    """git clone --bare, then the same documents from memory: whichever of FTS5's two ways of loading is faster here."""
    folder.mkdir(parents=True)
    before, begin = os.times(), time.perf_counter()
    subprocess.run(["git", *QUIET_GIT, "clone", "--quiet", "--bare", url, folder / "clone.git"], check=True)
    clone, after = time.perf_counter() - begin, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    out = subprocess.run([binary("tidemark-bench-reference"), "load", folder / "clone.git", origin.head, folder / "reference.db"], check=True, capture_output=True, text=True)
    best = min((json.loads(line) for line in out.stdout.splitlines()), key=lambda one: one["seconds"])
    return Reference(clone, best["seconds"], cpu + best["cpu_seconds"], best["documents"])


def cold_start(origin, url, folder, repeat):
    pairs = []
    cold = Cold()
    for attempt in range(repeat):
        place = folder / f"cold-{attempt}"
        reference = clone_and_load(origin, url, place / "reference")
        pair = make_pair(origin, url, place / "tidemark")
        try:
            seconds, memory = start(pair, origin.head)
            pairs.append((seconds / reference.seconds, seconds, reference))
            for program in (pair.sync, pair.ingest):
                pid = program.process.pid
                cold.cpu[program.name] = cpu_seconds(pid)
                cold.anonymous[program.name] = max(cold.anonymous.get(program.name, 0), memory.anonymous[pid])
                cold.peak[program.name] = max(cold.peak.get(program.name, 0), memory.peak[pid])
            documents = pair.ingest.client.status()["documents"]
            if documents != reference.documents:
                raise RuntimeError(f"{documents} documents, the reference has {reference.documents}")
        finally:
            pair.close()
        shutil.rmtree(place)
    # A machine's speed changes between minutes, so what was measured one after the other is compared.
    cold.ratio, cold.seconds, middle = sorted(pairs, key=lambda pair: pair[0])[len(pairs) // 2]
    cold.clone, cold.load, cold.documents, cold.reference, cold.reference_cpu = middle.clone, middle.load, middle.documents, middle.seconds, middle.cpu
    return cold


def limited_cold_start(origin, url, folder, limit_bytes):
    """Each program in a memory group of its own: seconds, or the reason why it was not measured or failed."""
    limits = []
    try:
        for name in ("sync", "ingest"):
            limits.append(MemoryLimit(f"tidemark-bench-{os.getpid()}-{name}", limit_bytes))
    except OSError as error:
        for limit in limits:
            limit.close()
        return f"not measured: no memory group can be made here ({error})"
    pair = make_pair(origin, url, folder)
    pair.sync.wrapper, pair.ingest.wrapper = limits[0].wrapper, limits[1].wrapper
    try:
        return start(pair, origin.head)[0]
    except (RuntimeError, AssertionError) as error:
        return f"**failed**: {str(error).splitlines()[0]}"
    finally:
        for program in (pair.sync, pair.ingest):
            program.kill()
        for limit in limits:
            limit.close()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Pushes:
    seconds: list = field(default_factory=list)
    reference: list = field(default_factory=list)
    fetch: list = field(default_factory=list)
    cpu: dict = field(default_factory=dict)  # of one push, by program
    files: int = 0


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Hint:
    """Two connections that are open before the clock starts: one that waits for a commit, one that tells a process of it: sync of a push, ingest of a flip."""

    def __init__(self, ingest, told, path):
        self.path = path
        self.waiting = http.client.HTTPConnection("127.0.0.1", ingest.port, timeout=120)
        self.telling = http.client.HTTPConnection("127.0.0.1", told.port, timeout=120)

    def until_searchable(self, commit, flip=lambda: None):
        self.waiting.request("GET", f"/api/v1/wait?commit={commit}&timeout=60")
        begin = time.perf_counter()
        flip()
        self.telling.request("POST", self.path, headers={"Content-Length": "0"})
        self.telling.getresponse().read()
        answer = self.waiting.getresponse()
        seconds = time.perf_counter() - begin
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"/wait answered {answer.status}: {body[:300]}")
        return seconds


def push_many(origin, url, folder, count, checkout="none", with_reference=True):
    result = Pushes(files=origin.files)
    pair = make_pair(origin, url, folder / "tidemark", checkout)
    reference = None
    try:
        start(pair, origin.head)
        if with_reference:
            clone_and_load(origin, url, folder / "reference")
            reference = subprocess.Popen([binary("tidemark-bench-reference"), "pushes", folder / "reference" / "clone.git", f"refs/heads/{origin.ref}",
                                          folder / "reference" / "reference.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        programs = {program.name: program.process.pid for program in (pair.sync, pair.ingest)}
        spent = dict.fromkeys(programs, 0.0)
        for number in range(count):
            commit, path, word = origin.push()
            hint = Hint(pair.ingest, pair.sync, "/sync")
            before = {name: cpu_seconds(pid) for name, pid in programs.items()}
            result.seconds.append(hint.until_searchable(commit))
            # What a program does after its push is searchable (the webhook's answer, tidying) is part of what the push costs.
            settle(programs)
            for name, pid in programs.items():
                spent[name] += cpu_seconds(pid) - before[name]
            if number % 20 == 0:
                found = pair.ingest.client.get("/api/v1/search", q=word).json
                if found["total"] != 1:
                    raise RuntimeError(f"{word} of {path} is found {found['total']} times after its push")
            if reference:
                reference.stdin.write(f"{commit} {path}\n")
                reference.stdin.flush()
                answer = json.loads(reference.stdout.readline())
                result.fetch.append(answer["fetch_seconds"])
                result.reference.append(answer["fetch_seconds"] + answer["insert_seconds"])
        result.cpu = {name: seconds / count for name, seconds in spent.items()}
    finally:
        if reference:
            reference.stdin.close()
            reference.wait()
        pair.close()
        shutil.rmtree(folder, ignore_errors=True)
    return result


def settle(pids):
    """Until none of them has used the CPU for 20 ms."""
    before, quiet_since = None, time.perf_counter()

    def quiet():
        nonlocal before, quiet_since
        now = [cpu_seconds(pid) for pid in pids.values()]
        if now != before:
            before, quiet_since = now, time.perf_counter()
        return time.perf_counter() - quiet_since > 0.02

    wait_until(quiet, "the programs come to rest", 60, pause=0.005)


@dataclass
class Idle:
    """One look with nothing new."""
    cpu: float = 0
    calls: float | None = None


def idle(origin, url, folder, seconds):
    """Both programs look ten times a second, and nobody asks them anything meanwhile."""
    pair = make_pair(origin, url, folder, sync="100ms", ingest="100ms")
    looks = {"sync": (pair.sync, r'^git_sync_count_total\{status="noop"\} (\d+)'), "ingest": (pair.ingest, r"^tidemark_ingest_runs_total\{[^}]*\} (\d+)")}
    result = {}
    try:
        start(pair, origin.head)
        for name, (program, pattern) in looks.items():
            pid = program.process.pid
            cpu, count = watched(program, pattern, lambda: time.sleep(seconds), lambda: cpu_seconds(pid))
            calls = []
            _, traced = watched(program, pattern, lambda: calls.append(system_calls(pid, seconds / 2)), lambda: 0)
            result[name] = Idle(cpu / count, calls[0] / traced if calls[0] and traced else None)
    finally:
        pair.close()
        shutil.rmtree(folder, ignore_errors=True)
    return result


def watched(program, pattern, during, clock):
    """What the clock says of the time between two counts, and how many looks there were. Asking for the counts is not part of it."""
    def count():
        return sum(int(number) for number in re.findall(pattern, request(program.port, "GET", "/metrics").body.decode(), re.M))

    looks, before = count(), clock()
    during()
    spent = clock() - before
    return spent, max(1, count() - looks)
