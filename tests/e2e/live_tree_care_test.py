#!/usr/bin/env python3
"""The live tree as others may treat it: who may write to it, and what becomes of damage."""

import os
import stat
import unittest

from tidemark_e2e.complaints import cloning_disk, shares_blocks
from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import git
from tidemark_e2e.sync_case import ServedCase


class LiveTree(ServedCase):
    def test_sparse_checkout(self):
        patterns = self.folder / "patterns"
        patterns.write_text("!/*\n!/*/\nfile2\n")
        self.push("one", file2="two", file3="three")
        self.once(sparse_checkout_file=patterns)
        self.assertEqual(sorted(os.listdir(self.root / "current")), [".git", "file2"])
        self.assertEqual(self.read("current/file2"), "two")
        self.assertEqual(git("status", "--porcelain", cwd=self.root / "current"), b"")
        patterns.write_text("/file\n")
        self.once(sparse_checkout_file=patterns)
        self.assertEqual(sorted(os.listdir(self.root / "current")), [".git", "file"])
        self.once()
        self.assertEqual(sorted(os.listdir(self.root / "current")), [".git", "file", "file2", "file3"])

    def test_group_write(self):
        def mode(path):
            return stat.S_IMODE(os.lstat(self.root / path).st_mode)

        commit = self.push("one")
        self.once(group_write=True)
        self.assertEqual((mode("current/file"), mode(f".worktrees/{commit}"), mode(".worktrees"), mode(".git")), (0o664, 0o775, 0o775, 0o775))
        inode = os.stat(self.root / "current/file").st_ino
        self.push("one", other="new")
        self.once(group_write=True)
        self.assertNotEqual(os.stat(self.root / "current/file").st_ino, inode)
        self.once()
        self.assertEqual(mode("current/file"), 0o644)

    def test_where_the_file_system_can_clone_a_file_of_its_own_shares_its_blocks(self):
        """--group-write lets others write to a tree, so no file is in two of them."""
        long = "unchanged " * 20_000
        with cloning_disk(self, self.root):
            first = self.push("one", long=long)
            self.once(group_write=True, stale_worktree_timeout="1h")
            self.assertFalse(shares_blocks(self.root / "current/long"))
            self.push("two", long=long)
            self.once(group_write=True, stale_worktree_timeout="1h")
            before = self.root / ".worktrees" / first / "long"
            self.assertTrue(shares_blocks(self.root / "current/long"))
            self.assertFalse(os.path.samefile(before, self.root / "current/long"))
            before.write_text("written by the group")
            self.assertEqual((self.read("current/file"), self.read("current/long")), ("two", long))
            self.assertEqual(git("status", "--porcelain", cwd=self.root / "current"), b"")

    def test_a_damaged_live_tree_is_repaired_within_a_sweep_period(self):
        commit = self.push("one", other="other")
        consumer = self.consumer()
        sync = self.started(sweep_period="200ms", webhook_url=consumer.url)
        sync.wait_for(commit)
        for damage in (
            lambda path: path.unlink(),
            lambda path: path.write_text("altered"),
            lambda path: path.chmod(0o600),
            lambda path: (path.unlink(), path.mkdir()),
        ):
            before = self.status(sync)["repairs"]["count"]
            damage(self.root / "current/file")
            wait_until(lambda: self.status(sync)["repairs"]["count"] == before + 1, "a repair")
            self.assertEqual((self.read("current/file"), self.read("current/other")), ("one", "other"))
        self.assertEqual(git("status", "--porcelain", cwd=self.root / "current"), b"")
        self.assertEqual(consumer.hashes(), [commit])


if __name__ == "__main__":
    unittest.main()
