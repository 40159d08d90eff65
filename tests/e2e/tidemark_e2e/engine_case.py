"""A test case on a search server: a stage of its own with both programs and the fault proxy."""

import argparse
import sys
import time
import unittest

from .engine import shared_server
from .fault_stage import Stage
from .git import File

OPTIONS = argparse.Namespace(engine="opensearch", url=None)
BULK = {"method": "POST", "path": "/_bulk"}
MIB = 1 << 20


class EngineCase(unittest.TestCase):
    stage_options = {}

    def setUp(self):
        self.stage = Stage(OPTIONS.url, seed=self.id(), **self.stage_options)
        self.addCleanup(self.stage.close)

    def _callTestMethod(self, method):
        began = time.monotonic()
        try:
            method()
            print(f"{time.monotonic() - began:.1f} s", end=" ", file=sys.stderr)
        except BaseException:
            print(self.stage.tails(), file=sys.stderr)
            raise

    @property
    def client(self):
        return self.stage.client

    def page(self, *lines):
        return File(f"# {self.stage.writer.marker('h')}\n\n{self.stage.writer.words('p')}\n".encode() + b"".join(line + b"\n" for line in lines))

    def push(self, tree, **level):
        """The tree becomes this one, and the index level with it."""
        self.stage.tree = tree
        commit = self.stage.publish()
        self.stage.level(commit, **level)
        return commit

    def reasons(self):
        return {entry["path"]: entry["reason"] for entry in self.client.quarantine()}

    def found(self, text):
        return sorted(hit["path"] for hit in self.client.search(text, limit=100)["hits"])


def main(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--engine", default=OPTIONS.engine)
    parser.add_argument("--url", help="of a server that runs already, instead of script/engine's")
    parser.add_argument("cases", nargs="*", help="Class.test, as unittest takes it")
    parser.parse_args(namespace=OPTIONS)
    OPTIONS.url = OPTIONS.url or shared_server(OPTIONS.engine)
    unittest.main(argv=[sys.argv[0], *OPTIONS.cases], verbosity=2)
