"""Each measure of the agent on a search server beside its reference, by turns on the same warm server."""
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field

from tidemark_e2e.environment import PROJECT, binary
from tidemark_e2e.processes import Ingest

from .measures import is_level, watched
from .process import MemorySampler, cpu_seconds
from .published import ORIGIN_URL

sys.path.insert(0, str(PROJECT / "tests" / "servers"))
from fault_proxy_client import FaultProxy  # noqa: E402

SOURCE = "bench"
SWEEP_BYTES = (512 << 10, 1 << 20, 2 << 20, 5 << 20)
SWEEP_LANES = (1, 2, 3, 4)
NO_LIMIT = 1_000_000  # operations of a bulk, where only its bytes count
WARM_UP_PUSHES = 200  # until the server has compiled what they ask for
GENERATION = 1_000    # of an agent's first run


def reference(*arguments):
    out = subprocess.run([binary("tidemark-bench-engine"), *map(str, arguments)], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def start_agent(server, published, folder, alias, url=None, **options):
    """A started one; the seconds until the published commit is searchable, and its sampled memory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = {"engine": url or server.url, "index": alias, "engine_replicas": "0", "source_name": SOURCE, "reconcile_period": "1h", **options}
    agent = Ingest(folder, published.link, **settings)
    begin = time.perf_counter()
    agent.start()
    with MemorySampler([agent.process.pid]) as memory:
        agent.wait_alive()
        while not is_level(agent, published.origin.head):
            if not agent.running():
                raise RuntimeError(f"the agent ended\n{agent.tail()}")
        seconds = time.perf_counter() - begin
    return agent, seconds, memory.anonymous[agent.process.pid]


@dataclass
class Load:
    """One filling of an index, by the agent or by the bare program."""
    seconds: float
    server_cpu: float
    cpu: float
    documents: int
    size: int  # of the index on disk, bytes
    anonymous: int = 0


@dataclass(frozen=True)
class Bulks:
    """How the bare program sends."""
    size: int
    lanes: int

    def __str__(self):
        return f"{self.size / (1 << 20):g} MiB, {self.lanes} at once"


class Filling:
    """The same documents into a fresh index, by the agent and by the bare program."""

    def __init__(self, server, published, folder, alias):
        self.server, self.published, self.folder, self.alias = server, published, folder, alias
        folder.mkdir(parents=True)
        self.index = f"bare-{alias}"
        self.bodies, self.create, self.finish = folder / "bodies", folder / "create.json", folder / "finish.json"

    def agent(self):
        self.server.delete(f"{self.alias}*")
        self.server.settle()
        before = self.server.cpu()
        agent, seconds, anonymous = start_agent(self.server, self.published, self.folder / "agent", self.alias)
        try:
            cpu = cpu_seconds(agent.process.pid)
            self.server.settle()
            return Load(seconds, self.server.cpu() - before, cpu, agent.client.status()["documents"], self.server.size(self.alias), anonymous)
        finally:
            agent.close()

    def creation(self):
        """The body that makes an index like the one that the agent has filled, as it was before it was filled."""
        body = self.server.creation_like(self.server.physical(self.alias))
        body["settings"]["index"].update(refresh_interval="-1", number_of_replicas="0")
        return body

    def prepare(self, creation):
        """What the bare program needs: the bodies, that index, and the settings with which it serves."""
        reference("prebuild", self.published.origin.path, self.published.origin.head, SOURCE, ORIGIN_URL, GENERATION, self.bodies)
        self.create.write_text(json.dumps(creation))
        self.finish.write_text(json.dumps({"index": {"refresh_interval": "-1", "number_of_replicas": 0}}))

    def bare(self, bulks, at_rest=True):
        self.server.delete(f"{self.index}*")
        if at_rest:
            self.server.settle()
        before = self.server.cpu()
        made = reference("load", self.server.url, self.index, self.create, self.finish, self.bodies, bulks.size, NO_LIMIT, bulks.lanes)
        if at_rest:
            self.server.settle()
        return Load(made["seconds"], self.server.cpu() - before, made["cpu_seconds"], self.server.count(self.index), self.server.size(self.index))

    def sweep(self, rounds, say):
        """The best batch size and number of bulks at once for the bare program: all once, then the better half again, to the last two; by the median."""
        took = {Bulks(size, lanes): [] for size in SWEEP_BYTES for lanes in SWEEP_LANES}

        def middle(bulks):
            return sorted(took[bulks])[len(took[bulks]) // 2]

        left = list(took)
        for _ in range(rounds):
            for bulks in left:
                took[bulks].append(self.bare(bulks, at_rest=False).seconds)
            left = sorted(left, key=middle)[:max(2, len(left) // 2)]
        for bulks in took:
            say(f"    {bulks}: {' '.join(f'{seconds:.3f}' for seconds in took[bulks])} s")
        return left[0]

    def require_same_documents(self):
        """The two indexes hold the same: each stands for the other only then."""
        query = {"size": 500, "sort": [{"path_key": "asc"}], "query": {"exists": {"field": "kind"}}}
        ours, bare = ([(hit["_id"], hit["_source"]) for hit in self.server.json("POST", f"/{index}/_search", query)["hits"]["hits"]]
                      for index in (self.alias, self.index))
        if not ours or ours != bare:
            raise RuntimeError(f"the bare program's index {self.index} does not hold the agent's documents")

    def close(self):
        self.server.delete(f"{self.alias}*")
        self.server.delete(f"{self.index}*")
        shutil.rmtree(self.folder, ignore_errors=True)


def cold_pairs(filling, bulks, repeat):
    """[(agent's, bare program's)], the order changing with each pair."""
    pairs = []
    for attempt in range(repeat):
        if attempt % 2:
            bare, ours = filling.bare(bulks), filling.agent()
        else:
            ours, bare = filling.agent(), filling.bare(bulks)
        if ours.documents != bare.documents:
            raise RuntimeError(f"{ours.documents} documents, the bare program has {bare.documents}")
        filling.require_same_documents()
        pairs.append((ours, bare))
    return pairs


@dataclass
class Pushes:
    """Seconds from the flip until the pushed page is found, until the index's checkpoint says so too, and of a bare bulk with the same page."""
    searchable: list = field(default_factory=list)
    checkpoint: list = field(default_factory=list)
    bulk: list = field(default_factory=list)


def push_many(filling, bulks, count, warm_up=WARM_UP_PUSHES):
    """The agent's index, which is there, and the bare program's are equally large. Each push changes one page; the bare program sends the same one.
    One program has the clock for both."""
    result = Pushes()
    filling.bare(bulks)
    agent, _, _ = start_agent(filling.server, filling.published, filling.folder / "pushes", filling.alias)
    published = filling.published
    clock = subprocess.Popen([binary("tidemark-bench-engine"), "pushes", filling.server.url, filling.index, published.origin.path, SOURCE, ORIGIN_URL,
                              f"http://127.0.0.1:{agent.port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def timed(*words):
        print(*words, file=clock.stdin, flush=True)
        return json.loads(clock.stdout.readline())

    try:
        for number in range(warm_up + count):
            commit, path, word = published.push()

            def ours():
                return timed("flip", *published.flips(), commit)

            def bare():
                return timed("bulk", commit, GENERATION * (number + 2), path)

            push, bulk = (ours(), bare()) if number % 2 else tuple(reversed((bare(), ours())))
            if number >= warm_up:
                result.searchable.append(push["searchable"])
                result.checkpoint.append(push["checkpoint"])
                result.bulk.append(bulk["seconds"])
            if number % 20 == 0 and agent.client.search(word)["total"] != 1:
                raise RuntimeError(f"{word} of {path} is not found after its push")
    finally:
        clock.stdin.close()
        clock.wait()
        agent.close()
    return result


class Damage:
    """Ten documents that somebody edits, deletes or adds by hand."""

    def __init__(self, server, index, paths):
        self.server, self.index, self.paths, self.done = server, index, paths, 0

    def id_of(self, path):
        found = self.server.json("POST", f"/{self.index}/_search?filter_path=hits.hits._id", {"query": {"term": {"path": path}}})
        return found["hits"]["hits"][0]["_id"]

    def rows(self):
        """All that searches find, the state apart."""
        return self.server.json("POST", f"/{self.index}/_count", {"query": {"bool": {"must_not": [{"ids": {"values": ["tidemark-state"]}}]}}})["count"]

    def do(self):
        """4 edited, 3 deleted, 3 added. (Strangers do not count as removed documents in a run's report.)"""
        self.done += 1
        chosen = [self.id_of(self.paths[(self.done * 7919 + i * 104_729) % len(self.paths)]) for i in range(7)]
        lines = []
        for each in chosen[:4]:
            lines += [{"update": {"_id": each}}, {"doc": {"title": f"edited by hand {self.done}"}}]
        lines += [{"delete": {"_id": each}} for each in chosen[4:]]
        for number in range(3):
            lines += [{"index": {"_id": f"by-hand-{self.done}-{number}"}}, {"title": "added by hand"}]
        answer = self.server.json("POST", f"/{self.index}/_bulk?refresh=true", ("\n".join(map(json.dumps, lines)) + "\n").encode())
        if answer["errors"]:
            raise RuntimeError(f"the index could not be damaged: {answer}")


@dataclass
class Audit:
    seconds: float
    anonymous: int = 0
    cpu: float = 0
    stages: dict = field(default_factory=dict)


@dataclass
class Listing:
    seconds: float
    requests: int
    bytes: int
    cpu: float


@dataclass
class Counted:
    requests: int
    request_bytes: int
    response_bytes: int


def audit_once(agent, damage):
    whole = damage.rows()
    damage.do()
    pid = agent.process.pid
    with MemorySampler([pid]) as memory:
        cpu, begin = cpu_seconds(pid), time.perf_counter()
        agent.client.resync("audit", wait=600, expected=(200,))
        seconds = time.perf_counter() - begin
    run = agent.client.runs()[0]
    if (run["mode"], run["upserted"]) != ("audit", 7) or damage.rows() != whole:
        raise RuntimeError(f"the audit did not repair ten documents: {run}")
    return Audit(seconds, memory.anonymous[pid], cpu_seconds(pid) - cpu, run.get("seconds", {}))


def list_bare(filling, physical):
    made = reference("list", filling.server.url, physical)
    return Listing(made["seconds"], made["requests"], made["bytes_received"], made["cpu_seconds"])


def audits(filling, repeat):
    """[(audit, bare listing)] of the same index, and what an audit asks of the server, counted by a proxy in a run of its own."""
    agent, _, _ = start_agent(filling.server, filling.published, filling.folder / "audits", filling.alias)
    try:
        physical = filling.server.physical(filling.alias)
        damage = Damage(filling.server, physical, filling.published.origin.pages)
        pairs = []
        for attempt in range(repeat + 1):
            if attempt % 2:
                listing, audit = list_bare(filling, physical), audit_once(agent, damage)
            else:
                audit, listing = audit_once(agent, damage), list_bare(filling, physical)
            if attempt:  # the first one warms both up
                pairs.append((audit, listing))
    finally:
        agent.close()
    with FaultProxy(filling.server.url) as proxy:
        agent, _, _ = start_agent(filling.server, filling.published, filling.folder / "counted", filling.alias, proxy.url)
        try:
            proxy.forget_counts()
            audit_once(agent, damage)
            counts = proxy.counts().values()
        finally:
            agent.close()
    return pairs, Counted(*(sum(each[name] for each in counts) for name in ("requests", "request_bytes", "response_bytes")))


@dataclass
class Idle:
    """One period with nothing new."""
    requests: float
    renewals: float  # of the lease, which has a timer of its own; not among the requests
    bytes: float
    cpu: float
    kinds: dict


def idle(filling, seconds, period="1s"):
    """Of an agent that looks once a second and whom nobody asks anything."""
    with FaultProxy(filling.server.url) as proxy:
        agent, _, _ = start_agent(filling.server, filling.published, filling.folder / "idle", filling.alias, proxy.url, reconcile_period=period)
        try:
            time.sleep(2 * 1.5)  # periods in which it has found that it is level
            pid = agent.process.pid
            proxy.forget_counts()
            cpu, periods = watched(agent, r"^tidemark_ingest_runs_total\{[^}]*\} (\d+)", lambda: time.sleep(seconds), lambda: cpu_seconds(pid))
            counts = proxy.counts()
        finally:
            agent.close()
    renewals = {request: count for request, count in counts.items() if re.match(r"PUT .*/_doc/tidemark-state", request)}
    others = {request: count for request, count in counts.items() if request not in renewals}
    return Idle(sum(count["requests"] for count in others.values()) / periods, sum(count["requests"] for count in renewals.values()) / periods,
                sum(count["request_bytes"] + count["response_bytes"] for count in others.values()) / periods, cpu / periods, others)
