"""One model run's world: a bare repository, the two programs, the oracle, and the check after a push."""

import random

from .cluster import Cluster
from .environment import Folder
from .git import Bare
from .index import compare_listing, compare_quarantine, compare_rows, compare_stored, compare_worktree, read_database
from .oracle import Oracle
from .pages import LETTERS, promised
from .processes import Ingest, Pair
from .servers import GitDaemon, HttpBackend

MAX_FILE_SIZE = 16 * 1024


class World:
    def __init__(self, checkout="full", transport="file", server_url=None):
        """`server_url`: of an Elasticsearch or OpenSearch; without one the index is an SQLite file."""
        self.cluster = Cluster(server_url) if server_url else None
        self.folder = Folder()
        self.checkout = checkout
        self.served = self.folder / "served"
        self.served.mkdir()
        self.bare = Bare(self.served / "model.git")
        self.oracle = Oracle(self.bare.path, MAX_FILE_SIZE)
        self.server = {"file": lambda root: None, "git": GitDaemon, "http": HttpBackend}[transport](self.served)
        url = self.server.url("model.git") if self.server else self.bare.path
        self.pair = Pair(self.folder / "pod", url, {"checkout": checkout}, self.ingest_options(self.cluster))
        self.compared = self.documents = 0

    def ingest_options(self, cluster=None):
        return {**(cluster.options() if cluster else {}), **self.SOURCE_OPTIONS}

    SOURCE_OPTIONS = {"max_file_size": f"{MAX_FILE_SIZE // 1024}KiB", "max_removals": "100%", "source_name": "model"}

    def rows(self):
        return self.cluster.rows() if self.cluster else read_database(self.pair.ingest.database)

    def check(self, commit, rng):
        """Everything that can be compared after a push: an empty list when the index equals the tree."""
        expectation = self.oracle.expect(commit)
        client = self.pair.ingest.client
        rows = self.rows()
        differences = compare_rows(expectation, rows, self.oracle)
        differences += compare_listing(expectation, client, rng.choice([1000, 1000, 100, 17]))
        differences += compare_quarantine(expectation, client)
        status = client.status()
        if status["documents"] != len(expectation.documents) or status["quarantine"] != len(expectation.refused):
            differences.append(
                f"status counts {status['documents']} documents and {status['quarantine']} in quarantine, the tree has "
                f"{len(expectation.documents)} and {len(expectation.refused)}"
            )
        if self.checkout == "full" and self.pair.sync.published() == commit:
            differences += compare_worktree(expectation, self.pair.sync.link)
        self.compared += 1
        self.documents += len(expectation.documents)
        return differences + self.check_search(expectation, rng)

    def check_search(self, expectation, rng):
        """A word of today is found in exactly the files that hold it, a word of yesterday nowhere."""
        now, unsure, differences = {}, set(), []
        for path, oid in expectation.documents.items():
            sure = set(self.oracle.words(oid, promised(path)))
            unsure |= set(self.oracle.words(oid, LETTERS)) - sure
            for word in sure:
                now.setdefault(word, set()).add(path)
        now = {word: paths for word, paths in now.items() if word not in unsure}
        gone = getattr(self, "before", set()) - now.keys() - unsure
        self.before = set(now)
        for word in rng.sample(sorted(now), min(2, len(now))) + rng.sample(sorted(gone), min(2, len(gone))):
            answer = self.pair.ingest.client.search(word, limit=100)
            if answer["total"] != len(now.get(word, ())):
                differences.append(
                    f"search: {word} is in {sorted(now.get(word, ()))}, the answer is {answer['total']}: {[hit['path'] for hit in answer['hits']]}"
                )
        return differences

    def check_rebuild(self):
        """The index that grew push by push against one made from nothing, every stored column."""
        folder = Folder()
        cluster = Cluster(self.cluster.url) if self.cluster else None
        try:
            fresh = Ingest(folder.path, self.pair.sync.link, one_time=True, **self.ingest_options(cluster))
            code, said = fresh.run()
            if code:
                return [f"a fresh index ends with {code}: {said[-1500:]}"]
            return compare_stored(self.rows(), cluster.rows() if cluster else read_database(fresh.database))
        finally:
            if cluster:
                cluster.remove()
            folder.close()

    def close(self, quietly=False):
        try:
            if quietly:
                self.pair.sync.kill()
                self.pair.ingest.kill()
            else:
                self.pair.close()
        finally:
            if self.cluster:
                self.cluster.remove()
            self.oracle.close()
            if self.server:
                self.server.close()
            self.folder.close()


def replay(trees, checkout, server_url=None):
    """Pushes the trees one after the other into a new world (unrelated histories, so that each transition is a diff of trees alone): the differences after the last."""
    world = World(checkout, server_url=server_url)
    try:
        world.pair.start()
        for tree in trees:
            commit = world.bare.push(tree)
            world.pair.settle(commit, 20)
        return world.check(commit, random.Random(0))
    except AssertionError as failure:
        return [str(failure)]
    finally:
        world.close(quietly=True)
