#!/usr/bin/env python3
"""git-sync's promises about how much of a repository is on the volume, black box: sync_depth_*, gc_* and filter_* of its end-to-end suite."""

import os
import re
import subprocess
import unittest

from tidemark_e2e.environment import binary, wait_until
from tidemark_e2e.git import File, git
from tidemark_e2e.sync_case import ServedCase


def fetches_in_part():
    """Whether the program's libgit2 can fetch a part of the history: 1.7 and newer can."""
    name = re.search(r"libgit2\.so\.(\d+)\.(\d+)", subprocess.check_output(["ldd", binary("tidemark-sync")], text=True))
    return (int(name[1]), int(name[2])) >= (1, 7)


class Depth(ServedCase):
    def check(self, depth, whole, said=""):
        """So many commits are there; the whole history where libgit2 can't do otherwise, which then is said."""
        if not fetches_in_part() and depth != whole:
            self.assertIn("fetching all of it", said or (self.folder / "sync.log").read_text())
            depth = whole
        self.assertEqual(len(git("rev-list", "HEAD", cwd=self.root / "current").split()), depth)
        git("fsck", "--connectivity-only", cwd=self.root)

    def test_sync_depth_default_shallow(self):
        for text in ("one", "two", "three"):
            self.push(text)
        self.check(1, 3, self.once())

    def test_sync_depth_across_updates(self):
        self.push("zero")
        first = self.push("one")
        sync = self.started(depth=1)
        moves = (lambda: (first, 2), lambda: (self.push("two"), 3), lambda: (self.bare.move(first) or first, 2))
        for successes, move in enumerate(moves, 1):
            commit, whole = move()
            sync.wait_for(commit)
            wait_until(lambda: self.metrics(sync).get('git_sync_count_total{status="success"}') == successes, "the success is counted")
            self.check(1, whole)

    def test_sync_depth_change_on_restart(self):
        for text in ("one", "two", "three", "four"):
            self.push(text)
        for depth, expected in ((1, 1), (2, 2), (1, 1), (0, 4)):
            with self.subTest(depth=depth):
                self.once(depth=depth)
                self.check(expected, 4)


class Gc(ServedCase):
    """--git-gc is a hint here: packs are joined by the program itself, at its own times, and old objects leave with their repository."""

    def modes(self, mode):
        self.push("one")
        self.once(git_gc=mode)
        self.assertEqual(self.read("current/file"), "one")

    def test_gc_auto(self):
        self.modes("auto")

    def test_gc_always(self):
        self.modes("always")

    def test_gc_aggressive(self):
        self.modes("aggressive")

    def test_gc_off(self):
        self.modes("off")

    def test_gc_of_another_name_is_refused(self):
        self.push()
        self.assertIn("--git-gc", self.once(expected=2, git_gc="sometimes"))

    def kilobytes(self):
        return int(subprocess.check_output(["du", "-s", self.root]).split()[0])

    def test_gc_default(self):
        large = {name: File(os.urandom(4 << 20)) for name in (b"big1", b"big2")}
        small = self.push("one")
        middle = self.bare.push({b"file": File(b"one"), b"big1": large[b"big1"]})
        both = self.bare.push({b"file": File(b"one"), **large})
        for ref, depth, least, most in ((both, 0, 14000, 18000), (both, 1, 14000, 18000), (middle, 1, 7000, None), (small, 1, 100, None)):
            with self.subTest(ref=ref, depth=depth):
                self.once(ref=ref, depth=depth)
                names = [name for name in ("big1", "big2") if (self.root / "current" / name).exists()]
                self.assertEqual(names, ["big1", "big2"][: {small: 0, middle: 1, both: 2}[ref]])
                size = self.kilobytes()
                self.assertGreater(size, least)
                # The objects of the last revisions stay for consumers that compare trees (8 MiB of them here); the files of old trees do not.
                self.assertLess(size, most or 9000 + {small: 0, middle: 4096}[ref] + 1000)

    def test_gc_lets_go_of_what_none_of_the_last_revisions_needs(self):
        """Over cut and rewritten histories, and back to revisions whose objects are gone: nothing is missing, and nothing is cloned anew."""
        commits = [self.push("one")]
        sync = self.started(git_gc="aggressive")
        for number in range(60):
            tree = {b"file": File(b"one"), b"large": File(os.urandom(200_000)), b"%d" % (number % 7): File(b"%d" % number)}
            commits.append(self.bare.push(tree, force_root=number % 4 == 0))
            sync.wait_for(commits[-1])
            if number % 10 == 9:
                back = commits[number // 3]
                self.bare.move(back)
                sync.wait_for(back)
                self.assertEqual(sync.stop(), 0)
                git("fsck", "--connectivity-only", cwd=self.root)
                sync = self.started(git_gc="aggressive")
        self.assertLess(int(subprocess.check_output(["du", "-s", self.root / ".git/objects"]).split()[0]), 7_000)  # of 12,000 that were pushed
        self.assertNotIn("cloned again", (self.folder / "sync.log").read_text())


class Filter(ServedCase):
    """libgit2 makes no partial clones: whoever asks for one is told so at the start, and what saves instead."""

    def refused(self, **options):
        self.push("one", other="two")
        said = self.once(expected=2, **options)
        for word in ("--filter", "libgit2 makes no partial clones", "--depth", "--checkout=none"):
            self.assertIn(word, said)
        self.assertFalse(self.root.exists())

    def test_filter_partial_clone_blob_none(self):
        self.refused(filter="blob:none")

    def test_filter_with_sparse_checkout(self):
        patterns = self.folder / "sparse"
        patterns.write_text("!/*\n!/*/\nfile\n")
        self.refused(filter="blob:none", sparse_checkout_file=patterns)

    def test_filter_across_updates(self):
        self.refused(filter="tree:0", period="100ms")


if __name__ == "__main__":
    unittest.main()
