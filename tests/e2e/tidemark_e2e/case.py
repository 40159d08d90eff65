"""A test case with a world of its own: push trees, settle, compare everything."""

import random
import sys
import unittest

from .git import File
from .pages import Writer
from .world import World


class EndToEnd(unittest.TestCase):
    checkout = "full"
    transport = "file"

    def setUp(self):
        self.rng = random.Random(self.id())
        self.writer = Writer(self.rng)
        self.world = World(self.checkout, self.transport)
        self.failed = True  # until the test's last line: then its processes have to end in good order too
        self.addCleanup(lambda: self.world.close(quietly=self.failed))

    def _callTestMethod(self, method):
        try:
            method()
            self.failed = False
        except unittest.SkipTest:
            raise
        except BaseException:
            print(self.world.pair.tails(), file=sys.stderr)
            raise

    @property
    def bare(self):
        return self.world.bare

    @property
    def sync(self):
        return self.world.pair.sync

    @property
    def ingest(self):
        return self.world.pair.ingest

    @property
    def client(self):
        return self.world.pair.ingest.client

    def start(self):
        self.world.pair.start()
        return self

    def page(self, *more):
        """A page with words of its own, and the given lines."""
        return File(f"# {self.writer.marker('h')}\n\n{self.writer.words('p')}\n".encode() + b"".join(line + b"\n" for line in more))

    def push(self, tree, **options):
        commit = self.bare.push(tree, **options)
        self.level(commit)
        return commit

    def level(self, commit):
        self.world.pair.settle(commit)
        self.same(commit)

    def same(self, commit):
        self.assertEqual(self.world.check(commit, self.rng), [])

    def found(self, text):
        return sorted(hit["path"] for hit in self.client.search(text, limit=100)["hits"])

    def last_run(self):
        return self.client.runs()[0]
