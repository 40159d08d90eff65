#!/usr/bin/env python3
"""git-sync's promises about old trees, black box: stale_worktree_timeout and stale_worktree_timeout_restart of its end-to-end suite."""

import os
import time
import unittest

from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import git
from tidemark_e2e.sync_case import ServedCase


class OldTrees(ServedCase):
    def trees(self):
        return {name for name in os.listdir(self.root / ".worktrees") if not name.startswith(".")}

    def gone(self, commit):
        wait_until(lambda: commit not in self.trees(), "the old tree is gone")

    def test_stale_worktree_timeout(self):
        first = self.push("one")
        sync = self.started(stale_worktree_timeout="1500ms")
        sync.wait_for(first)
        before_second = time.monotonic()
        second = self.push("two")
        sync.wait_for(second)
        self.assertEqual((self.read(f".worktrees/{first}/file"), self.trees()), ("one", {first, second}))
        self.assertEqual(git("status", "--porcelain", cwd=self.root / ".worktrees" / first), b"")
        self.passes(sync, 3)
        before_third = time.monotonic()
        third = self.push("three")
        sync.wait_for(third)
        self.assertIn(second, self.trees())
        for commit, before in ((first, before_second), (second, before_third)):
            self.gone(commit)
            self.assertGreaterEqual(time.monotonic() - before, 1.5)
        self.passes(sync, 3)
        self.assertEqual((self.trees(), self.read("current/file")), ({third}, "three"))

    def test_stale_worktree_timeout_restart(self):
        first = self.push("one")
        self.once(stale_worktree_timeout="1h")
        second = self.push("two")
        self.once(stale_worktree_timeout="1h")
        self.once(stale_worktree_timeout="1h")
        self.assertEqual(self.trees(), {first, second})
        # An hour is over while nothing runs; the other tree became old just now.
        third = self.push("three")
        hour_ago = time.time() - 3601
        os.utime(self.root / ".worktrees" / first, (hour_ago, hour_ago))
        sync = self.started(stale_worktree_timeout="1h")
        sync.wait_for(third)
        self.gone(first)
        self.passes(sync, 3)
        self.assertEqual((self.trees(), self.read(f".worktrees/{second}/file")), ({second, third}, "two"))
        sync.close()
        self.once()
        self.assertEqual(self.trees(), {third})


if __name__ == "__main__":
    unittest.main()
