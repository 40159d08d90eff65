#!/usr/bin/env python3
"""A reader that loops over the live tree while it is replaced again and again by a program that is killed again and again: it never sees a missing or
a mixed tree.

--flips and --kills say how often; docs/reliability.md has the figures of a full run (1,000 and 200)."""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import File
from tidemark_e2e.servers import HttpBackend
from tidemark_e2e.sync_case import SyncCase

FILES = [f"folder-{number % 5}/{number}" for number in range(40)]
options = argparse.Namespace(flips=200, kills=40, transport="file", seed=1)


class Reader:
    def __init__(self, link):
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("tidemark_e2e") / "live_reader.py", link, *FILES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def result(self):
        return json.loads(self.process.communicate(timeout=30)[0])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class LiveTree(SyncCase):
    """Every file of a revision begins with the revision's number; half of them are so long that a copy takes its time."""

    def revisions(self, count):
        body = {name: (b"%s\n" % name.encode()) * (1 if number % 2 else 200) for number, name in enumerate(FILES)}
        trees = [
            {name.encode(): File(b"revision %d\n" % number + body[name]) for name in FILES} | {b"same": File(b"the same in all")}
            for number in range(count)
        ]
        return self.bare.commits([(tree, (number - 1,) if number else ()) for number, tree in enumerate(trees)])

    def move(self, commit):
        """The branch, in one step and without a process."""
        (self.folder / "ref").write_text(commit + "\n")
        os.rename(self.folder / "ref", self.bare.path / "refs/heads/main")

    def url(self, bare):
        if options.transport == "file":
            return super().url(bare)
        if not hasattr(self, "server"):
            self.server = HttpBackend(self.folder.path)
            self.addCleanup(self.server.close)
        return self.server.url(bare.path.name)

    def reader(self, sync):
        reader = Reader(sync.link)
        self.addCleanup(reader.close)
        return reader

    def patient(self, **more):
        """Old trees stay for as long as a slow reader may need."""
        return self.sync(link="current", http_bind=None, max_failures=-1, stale_worktree_timeout="10s", **{"period": "10ms", **more})

    def test_a_reader_sees_no_missing_and_no_mixed_tree_through_flips_and_kills(self):
        chance = random.Random(options.seed)
        commits = self.revisions(options.flips + options.kills + 2)
        self.move(commits[0])
        sync = self.patient()
        self.addCleanup(sync.kill)
        sync.start().wait_for(commits[0])
        reader, moment, number, flips = self.reader(sync), threading.Event(), 0, 0
        for kill in range(options.kills):
            sync.start() if not sync.running() else None
            while flips < options.flips * (kill + 1) // options.kills:
                number += 1
                self.move(commits[number])
                wait_until(lambda: sync.published() == commits[number], lambda: f"revision {number}\n{sync.tail()}", pause=0.001)
                flips += 1
            number += 1
            self.move(commits[number])  # it dies somewhere between the look at the remote and the end of what follows
            moment.wait(chance.random() * 0.03)
            sync.kill()
        number += 1
        self.move(commits[number])
        sync.start().wait_for(commits[number])
        seen = reader.result()
        self.assertEqual((seen["faults"], seen["first"]), (0, []))
        self.assertGreater(seen["revisions"], options.flips // 4)
        sync.close()
        shared = {name: (sync.link / name).read_bytes().split(b"\n", 1)[0] for name in FILES}
        self.assertEqual(set(shared.values()), {b"revision %d" % number})
        print(
            f"live tree: {flips} flips and {options.kills} kill -9 over {options.transport}, {seen['passes']} passes of the reader over "
            f"{len(FILES)} files, {seen['revisions']} revisions seen, 0 trees missing or mixed"
        )

    def test_a_ref_that_moves_1000_times_in_10_seconds(self):
        commits = self.revisions(1001)
        self.move(commits[0])
        sync = self.patient(period="50ms")
        self.addCleanup(sync.kill)
        sync.start().wait_for(commits[0])
        reader, pace = self.reader(sync), threading.Event()
        for commit in commits[1:]:
            self.move(commit)
            pace.wait(0.01)
        sync.wait_for(commits[-1])
        seen = reader.result()
        self.assertEqual((seen["faults"], seen["first"]), (0, []))
        self.assertGreater(seen["revisions"], 10)
        self.assertNotIn("sync failed", sync.log())
        sync.close()
        shutil.rmtree(self.root)  # hundreds of trees


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flips", type=int, default=options.flips)
    parser.add_argument("--kills", type=int, default=options.kills)
    parser.add_argument("--transport", choices=("file", "http"), default=options.transport)
    parser.add_argument("--seed", type=int, default=options.seed)
    _, rest = parser.parse_known_args(namespace=options)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
