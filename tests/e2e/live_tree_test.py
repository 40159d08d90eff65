#!/usr/bin/env python3
"""A reader that loops over the live tree while it is replaced again and again by a program that is killed again and again: it never sees a missing or
a mixed tree, nor half a file, nor one that does not belong there; whether the tree is whole, sparse, or has a submodule.

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

from git_sync_submodules_test import with_modules
from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import File, git
from tidemark_e2e.servers import HttpBackend
from tidemark_e2e.sync_case import SyncCase

FILES = [f"folder-{number % 5}/{number}" for number in range(40)]
MODULE = "folder-3"
PATTERNS = "/*\n!/folder-4/\n/folder-4/4\n!*7\n"
LEFT_OUT = {f"folder-4/{number}" for number in range(9, 40, 5)} | {f"folder-2/{number}" for number in range(7, 40, 10)}
options = argparse.Namespace(flips=200, kills=40, transport="file", seed=1)


def files_below(tree):
    """What a reader finds there, folders (None), too; git's own left out."""
    paths = ((path.relative_to(tree), path) for path in tree.rglob("*"))
    return {os.fspath(name): path.read_bytes() if path.is_file() else None for name, path in paths if ".git" not in name.parts}


class Reader:
    """Of what is in the tree, the FILES must be of one revision, and the rest must be there."""

    def __init__(self, link, tree):
        files = {name for name, content in tree.items() if content is not None}
        self.names = sorted(files.intersection(FILES))
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("tidemark_e2e") / "live_reader.py", link, *self.names, "--", *files.difference(FILES)],
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


class LiveCase(SyncCase):
    """Every file of a revision begins and ends with the revision's number; half of them are so long that a copy takes its time."""

    def setUp(self):
        super().setUp()
        self.modules = {}  # by the superproject's commit: (repository, commit)

    def revisions(self, count, module=None):
        """So many commits. With `module`, that folder is a submodule, whose commits go with these one by one."""
        bodies = {name: b"%s\n" % name.encode() * (1 if number % 2 else 200) for number, name in enumerate(FILES)}
        prefix = f"{module}/"

        def commits(bare, trees):
            return bare.commits([(tree, (number - 1,) if number else ()) for number, tree in enumerate(trees)])

        def files(number, inside):
            line = b"revision %d\n" % number
            names = [name for name in FILES if name.startswith(prefix) == inside]
            return {name.removeprefix(prefix).encode(): File(line + bodies[name] + line) for name in names}

        if not module:
            return commits(self.bare, [with_modules("the same in all") | files(number, False) for number in range(count)])
        bare = self.repository("module")
        inner = commits(bare, [files(number, True) for number in range(count)])
        places = [{module: (self.url(bare), commit)} for commit in inner]
        outer = commits(self.bare, [with_modules("the same in all", **place) | files(number, False) for number, place in enumerate(places)])
        self.modules = {commit: (bare, tip) for commit, tip in zip(outer, inner)}
        return outer

    def move(self, commit):
        """The branch, in one step and without a process; before it the submodule's, if there is one."""
        for bare, tip in filter(None, [self.modules.get(commit), (self.bare, commit)]):
            (self.folder / "ref").write_text(tip + "\n")
            os.rename(self.folder / "ref", bare.path / "refs/heads/main")

    def url(self, bare):
        if options.transport == "file":
            return super().url(bare)
        if not hasattr(self, "server"):
            self.server = HttpBackend(self.folder.path)
            self.addCleanup(self.server.close)
        return self.server.url(bare.path.name)

    def checked_out_by_git(self, commit, patterns=None):
        """What a tree of the commit has in it."""
        clone = self.folder / f"clone-{commit}"
        git("clone", "--quiet", "--no-checkout", self.url(self.bare), clone)
        if patterns:
            git("config", "core.sparseCheckout", "true", cwd=clone)
            (clone / ".git/info/sparse-checkout").write_bytes(patterns.read_bytes())
        git("checkout", "--quiet", "--detach", commit, cwd=clone)
        git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive", cwd=clone)
        return files_below(clone)

    def reader(self, sync, tree):
        reader = Reader(sync.link, tree)
        self.addCleanup(reader.close)
        return reader

    def patient(self, **more):
        """Old trees stay for as long as a slow reader may need."""
        return self.sync(link="current", http_bind=None, max_failures=-1, stale_worktree_timeout="10s", **{"period": "10ms", **more})

    def repositories(self):
        """That trees have parts of, with the part's place in the tree."""
        return {self.root / ".git": ""} | ({self.root / ".git/modules" / MODULE: MODULE} if self.modules else {})

    def move_and_kill(self, sync, commit, chance):
        """It dies at any time after the branch has moved; mostly soon after it has begun to make the tree, or to fetch or tidy up."""
        trees, packs = self.root / ".worktrees", [repository / "objects/pack" for repository in self.repositories()]
        place = chance.choice([None, chance.choice(packs), trees, trees, trees])
        before = place and os.listdir(place)
        self.move(commit)
        if place:
            has_begun = lambda: os.listdir(place) != before or sync.published() == commit
            wait_until(has_begun, lambda: f"it writes to {place}\n{sync.tail()}", pause=0.0002)
        threading.Event().wait(chance.random() ** 5 * 0.008 if place else chance.random() * 0.03)
        sync.kill()

    def through_flips_and_kills(self, what, module=None, patterns=None, **more):
        chance = random.Random(options.seed)
        commits = self.revisions(options.flips + options.kills + 4, module)
        self.move(commits[0])
        sync = self.patient(sparse_checkout_file=patterns, **more)
        self.addCleanup(sync.kill)
        sync.start().wait_for(commits[0])
        reader = self.reader(sync, self.checked_out_by_git(commits[0], patterns))
        number, flips = 0, 0
        for killed in range(options.kills):
            sync.start() if not sync.running() else None
            while flips < options.flips * (killed + 1) // options.kills:
                number += 1
                self.move(commits[number])
                wait_until(lambda: sync.published() == commits[number], lambda: f"revision {number}\n{sync.tail()}", pause=0.001)
                flips += 1
            number += 1
            self.move_and_kill(sync, commits[number], chance)
        number += 1
        self.move(commits[number])
        sync.start().wait_for(commits[number])
        seen = reader.result()
        self.assertEqual((seen["faults"], seen["first"]), (0, []))
        self.assertGreater(seen["revisions"], options.flips // 4)
        number += 1
        self.move_and_kill(sync, commits[number], chance)
        number += 1
        self.move(commits[number])
        self.once(sparse_checkout_file=patterns, **more)
        self.is_as_git_has_it(commits[number], patterns)
        sync.close()
        print(
            f"live tree, {what}: {flips} flips and {options.kills} kill -9 over {options.transport}, {seen['passes']} passes of the reader over "
            f"{len(reader.names)} files, {seen['revisions']} revisions seen, 0 trees missing or mixed"
        )

    def is_as_git_has_it(self, commit, patterns):
        """The commit is live, nothing else is there, and nothing is left of what was killed."""
        tree = self.root / ".worktrees" / commit
        self.assertEqual(os.readlink(self.root / "current"), f".worktrees/{commit}")
        self.assertEqual(files_below(tree), self.checked_out_by_git(commit, patterns))
        self.assertEqual(sorted(os.listdir(self.root)), [".git", ".worktrees", "current"])
        self.assertEqual(os.listdir(self.root / ".worktrees"), [commit])
        for repository, place in self.repositories().items():
            self.assertEqual(git("status", "--porcelain", cwd=tree / place), b"")
            self.assertEqual(os.listdir(repository / "worktrees"), [commit])
            git("fsck", "--connectivity-only", cwd=repository)
        if self.modules:
            self.assertEqual(os.listdir(self.root / ".git/modules"), [MODULE])
        halves = ("pack_git2", "loose_git2", "tmp_", ".tmp-")
        left = [path for path in (self.root / ".git").rglob("*") if path.name.startswith(halves) or path.suffix == ".lock"]
        self.assertEqual(left, [])


class LiveTree(LiveCase):
    def test_a_reader_sees_no_missing_and_no_mixed_tree_through_flips_and_kills(self):
        self.through_flips_and_kills("whole")

    def test_a_ref_that_moves_1000_times_in_10_seconds(self):
        commits = self.revisions(1001)
        self.move(commits[0])
        sync = self.patient(period="50ms")
        self.addCleanup(sync.kill)
        sync.start().wait_for(commits[0])
        reader, pace = self.reader(sync, self.checked_out_by_git(commits[0])), threading.Event()
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


class PartsAndModules(LiveCase):
    def test_a_reader_of_a_sparse_tree_sees_all_that_is_in_and_nothing_that_is_left_out_through_flips_and_kills(self):
        patterns = self.folder / "patterns"
        patterns.write_text(PATTERNS)
        self.through_flips_and_kills("sparse", patterns=patterns)
        self.assertEqual({name for name in FILES if not (self.root / "current" / name).exists()}, LEFT_OUT)

    def test_a_reader_sees_no_submodule_of_another_revision_through_flips_and_kills(self):
        self.through_flips_and_kills("with a submodule", module=MODULE, submodules="recursive")


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
