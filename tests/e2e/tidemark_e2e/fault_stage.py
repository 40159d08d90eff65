"""One cell of the fault matrix: a repository, both programs, the fault proxy before a real server, and the proof that the index is the tree again."""

import random
import sys
import time

from .cluster import Cluster
from .engine import ask
from .environment import PROJECT, Folder, wait_until
from .git import Bare, File
from .index import compare_quarantine, compare_rows
from .oracle import Oracle
from .pages import Writer
from .processes import Ingest, Pair

sys.path.insert(0, str(PROJECT / "tests" / "servers"))
from fault_proxy_client import FaultProxy  # noqa: E402

HEALING = 60  # seconds within which everything is well again, on a busy machine
STATE = "tidemark-state"
NAMES = ("日本語/設計.md", "日本語/運用 手順.md", "a b/c&d.md", "100%.md", "quote'\".md", "-dash.md", "tab\tname.md", "e\u0301.md", "\u00e9.md")
NAMES += ("data/設定.yaml", "data/x.json", "UPPER.MD")

CELLS = {}


def cell(fault, own_server=False):
    """Registers a function of a stage as the cell of that fault."""

    def register(function):
        CELLS[function.__name__] = (fault, own_server, function)
        return function

    return register


class Stage:
    def __init__(self, url, server=None, seed=0, **options):
        self.url, self.server = url, server
        self.rng = random.Random(f"reliability {seed}")
        self.writer = Writer(self.rng)
        self.folder = Folder()
        self.bare = Bare(self.folder / "faults.git")
        self.oracle = Oracle(self.bare.path)
        self.cluster = Cluster(url)
        self.proxy = FaultProxy(url)
        options = {**self.ingest_options(), "engine": self.proxy.url, **options}
        self.pair = Pair(self.folder / "pod", self.bare.path, {"checkout": "none"}, options)
        self.others, self.foreign = [], []
        self.tree = {name.encode(): self.file(name.encode()) for name in NAMES}
        self.tree.update({b"docs/%02d.md" % number: self.file(b".md") for number in range(40)})
        self.began = time.monotonic()
        self.mark = (None, 0)

    def ingest_options(self):
        return {**self.cluster.options(), "source_name": "faults", "reconcile_period": "1s", "max_removals": "100%"}

    def file(self, name):
        return File(self.writer.for_path(name))

    # --- agents
    @property
    def ingest(self):
        return self.pair.ingest

    @property
    def client(self):
        return self.pair.ingest.client

    def second(self, **options):
        """Another agent over the same link, straight at the server."""
        other = Ingest(self.folder.path, self.pair.sync.link, log_name=f"ingest-{len(self.others) + 2}.log", **{**self.ingest_options(), **options})
        self.others.append(other)
        return other

    def start(self):
        """With a first tree, level."""
        commit = self.bare.push(self.tree)
        self.pair.start()
        self.level(commit)
        return commit

    # --- pushes
    def push(self):
        """Edits, additions and removals; sync is told, nobody waits."""
        names = sorted(self.tree)
        for name in self.rng.sample(names, 8):
            self.tree[name] = self.file(name)
        for name in self.rng.sample([name for name in names if name.startswith(b"docs/")], 3):
            del self.tree[name]
        for _ in range(4):
            name = f"新しい/{self.writer.marker('n')}.md".encode()
            self.tree[name] = self.file(name)
        return self.publish()

    def publish(self):
        commit = self.bare.push(self.tree)
        self.pair.sync.hint()
        self.pair.sync.wait_for(commit)
        return commit

    def publish_with(self, name, file):
        self.tree[name] = file
        return self.publish()

    # --- what is there
    def differences(self, commit, agent=None):
        return self.differences_from(self.oracle.expect(commit), agent)

    def differences_from(self, expectation, agent=None):
        return compare_rows(expectation, self.cluster.rows(), self.oracle) + compare_quarantine(expectation, (agent or self.ingest).client)

    def physical(self):
        """The one index that readers see."""
        (name,) = [name for name, about in self.cluster.indexes().items() if self.cluster.alias in about["aliases"]]
        return name

    def request(self, method, target, body=None, expected=(200, 201)):
        """Past the program and the proxy, as an operator does it."""
        answer = ask(self.url, method, target, body)
        assert not expected or answer.status in expected, f"{method} {target} answered {answer.status}: {answer.body[:500]!r}"
        return answer

    def content_ids(self):
        answer = self.request("POST", f"/{self.cluster.alias}/_search", {"size": 100, "_source": ["path_key"], "sort": [{"path_key": "asc"}]}).json
        return [hit["_id"] for hit in answer["hits"]["hits"]]

    # --- the fault, and the end of it
    def fault(self):
        """From now on the clock runs, and only a later run counts as the healing one."""
        self.began = time.monotonic()
        runs = self.client.runs() if self.ingest.running() else []
        self.mark = (self.ingest.process.pid, max([run["id"] for run in runs], default=0))

    def freeze(self):
        """The agent sees nothing of the fault until it is thawed: then the clock runs."""
        self.fault()
        self.ingest.freeze()

    def thaw(self):
        self.ingest.thaw()
        self.began = time.monotonic()

    def fails(self, commit, *words):
        """The failure is named and the commit not claimed, by the status and by the metrics: also while a bulk is being tried again."""

        def told():
            status = self.client.status()
            said = " ".join(status.get(name) or "" for name in ("last_error", "stalled", "standing_by")).strip()
            assert (status.get("checkpoint") or {}).get("commit") != commit, f"the status claims {commit} during the fault: {status}"
            return said and (not words or any(word.lower() in said.lower() for word in words))

        wait_until(told, lambda: f"the status says {words}: {self.client.status()}\n{self.ingest.tail()}")
        wait_until(
            lambda: any(name.startswith("tidemark_ingest_behind") and value == 1 for name, value in self.client.metrics().items()),
            "the metrics say that the index is behind",
        )

    def runs_since(self, agent=None):
        agent = agent or self.ingest
        after = self.mark[1] if agent.process.pid == self.mark[0] else 0
        return [run for run in agent.client.runs() if run["id"] > after]

    def claims(self, commit, agent, modes):
        """Whether this agent says that the index is level, by a run after the fault."""
        status = agent.client.status()
        if (status.get("checkpoint") or {}).get("commit") != commit or any(status.get(name) for name in ("stalled", "last_error", "standing_by")):
            return False
        return not modes or any(run["mode"] in modes and run["outcome"] == "succeeded" for run in self.runs_since(agent))

    def level(self, commit, agent=None, modes=(), keep=()):
        """Waits for the claim and takes it at its word: index and tree are compared at once. Then nothing else may be left.
        Gives the seconds, and the modes of the runs that did something."""
        agent = agent or self.ingest
        said = lambda: f"level at {commit}\n{agent.client.status()}\n{agent.client.runs()[:6]}\n{agent.tail(12)}"
        wait_until(lambda: agent.client.alive() and self.claims(commit, agent, modes), said, HEALING, 0.02)
        differences = self.differences(commit, agent)
        assert not differences, f"the status claims {commit}, but {differences[:5]}\n{agent.client.runs()[:6]}\n{agent.tail(12)}"
        seconds = time.monotonic() - self.began
        wait_until(
            lambda: len(set(self.cluster.indexes()) - set(keep)) == 1,
            lambda: f"no orphan is left: {self.cluster.indexes()}\n{agent.tail(12)}",
            HEALING,
            0.05,
        )
        done = [run["mode"] for run in reversed(self.runs_since(agent)) if run["outcome"] == "succeeded" and run["mode"] not in ("up-to-date", "stand-by")]
        return seconds, list(dict.fromkeys(done))

    def log_says(self, *words, agent=None):
        log = (agent or self.ingest).log().lower()
        assert any(word.lower() in log for word in words), f"the log does not say {words}:\n{(agent or self.ingest).tail()}"

    def tails(self):
        return "\n".join([self.pair.tails(), *(other.tail() for other in self.others)])

    def close(self):
        for process in [self.pair.sync, self.ingest, *self.others]:
            process.kill()
        self.proxy.end()
        self.oracle.close()
        for name in [*self.cluster.indexes(), *self.foreign]:
            self.request("DELETE", f"/{name}", expected=(200, 404))
        self.folder.close()
