#!/usr/bin/env python3
"""git-sync's promises about what it follows, black box: sync_default_ref, sync_head*, sync_branch*, sync_tag, sync_sha*, sync_repo_switch, slow
servers and signals of its end-to-end suite."""

import os
import signal
import time
import unittest

from tidemark_e2e.environment import wait_until
from tidemark_e2e.servers import GitDaemon, HttpBackend
from tidemark_e2e.sync_case import ServedCase


class Names(ServedCase):
    def forth_and_back(self, **options):
        first = self.push("one")
        sync = self.started(**options)
        self.follows(sync, first, "one", 1)
        self.follows(sync, self.push("two"), "two", 2)
        self.bare.move(first)
        self.goes_back(sync, first)
        return sync

    def goes_back(self, sync, commit, text="one"):
        """An old revision is live again; its objects may be here still, and then nothing is fetched."""
        sync.wait_for(commit)
        self.passes(sync, 2)
        self.assertEqual(((sync.link / "file").read_text(), self.metrics(sync)['git_sync_count_total{status="success"}']), (text, 3))
        self.assertIn(self.fetches(sync), (2, 3))

    def test_sync_default_ref(self):
        self.bare.git("symbolic-ref", "HEAD", "refs/heads/trunk")
        first = self.bare.commit(self.tree("one"), ref="refs/heads/trunk")
        self.push("not this")
        sync = self.started(ref=None)
        self.follows(sync, first, "one", 1)
        second = self.bare.push(self.tree("two"), ref="refs/heads/trunk")
        self.follows(sync, second, "two", 2)
        self.bare.move(first, "refs/heads/trunk")
        self.goes_back(sync, first)

    def test_sync_head(self):
        self.forth_and_back(ref="HEAD")

    def test_sync_head_absolute_link(self):
        link = self.folder / "other" / "link"
        self.forth_and_back(ref="HEAD", link=link)
        self.assertTrue(os.path.isabs(os.readlink(link)))

    def test_sync_head_subdir_link(self):
        self.forth_and_back(ref="HEAD", link="other/link")
        self.assertTrue(os.readlink(self.root / "other/link").startswith("../.worktrees/"))

    def test_sync_branch(self):
        self.push("not this")
        first = self.bare.commit(self.tree("one"), ref="refs/heads/side")
        sync = self.started(ref="side")
        self.follows(sync, first, "one", 1)
        self.follows(sync, self.bare.push(self.tree("two"), ref="refs/heads/side"), "two", 2)
        self.bare.move(first, "refs/heads/side")
        self.goes_back(sync, first)

    def test_sync_branch_switch(self):
        self.push("one")
        side = self.bare.commit(self.tree("two"), ref="refs/heads/side")
        self.once(depth=1)
        self.assertEqual(self.read("current/file"), "one")
        self.once(depth=1, ref="side")
        self.assertEqual((self.read("current/file"), os.readlink(self.root / "current")), ("two", f".worktrees/{side}"))

    def tagged(self, *options):
        tag = lambda commit, number: self.bare.git("tag", "-f", *options, *(["-m", f"number {number}"] if options else []), "e2e-tag", commit)
        first = self.push("one")
        tag(first, 1)
        sync = self.started(ref="e2e-tag")
        self.follows(sync, first, "one", 1)
        second = self.push("two")
        tag(second, 2)
        self.follows(sync, second, "two", 2)
        tag(first, 3)
        self.goes_back(sync, first)
        self.push("after the tag")
        self.goes_back(sync, first)

    def test_sync_tag(self):
        self.tagged()

    def test_sync_annotated_tag(self):
        self.tagged("-a")

    def test_sync_sha(self):
        first = self.push("one")
        sync = self.started(ref=first)
        self.follows(sync, first, "one", 1)
        self.bare.move(self.push("two"), "refs/heads/side")
        self.follows(sync, first, "one", 1)
        self.bare.move(first)
        self.follows(sync, first, "one", 1)

    def test_sync_sha_once(self):
        first = self.push("one")
        self.push("two")
        self.once(ref=first)
        self.assertEqual((self.read("current/file"), os.readlink(self.root / "current")), ("one", f".worktrees/{first}"))

    def test_sync_sha_once_sync_different_sha_known(self):
        first, second = self.push("one"), self.push("two")
        self.push("three")
        self.once(depth=0)
        for commit, text in ((first, "one"), (second, "two")):
            self.once(ref=commit)
            self.assertEqual((self.read("current/file"), os.readlink(self.root / "current")), (text, f".worktrees/{commit}"))

    def test_sync_sha_once_sync_different_sha_unknown(self):
        first = self.push("one")
        self.once(ref=first)
        second = self.push("two")
        self.push("three")
        self.once(ref=second)
        self.assertEqual(self.read("current/file"), "two")

    def test_sync_repo_switch(self):
        self.push("one")
        self.once()
        other = self.repository("other")
        second = other.push(self.tree("two"))
        self.once(repo=self.url(other))
        self.assertEqual((self.read("current/file"), os.readlink(self.root / "current")), ("two", f".worktrees/{second}"))

    def signalled(self, name, number):
        self.push("one")
        sync = self.started(period="100s", sync_on_signal=name)
        wait_until(sync.ready, "it is ready")
        second = self.push("two")
        sync.process.send_signal(number)
        sync.wait_for(second, patience=20)

    def test_sync_on_signal_sighup(self):
        self.signalled("SIGHUP", signal.SIGHUP)

    def test_sync_on_signal_hup(self):
        self.signalled("HUP", signal.SIGHUP)

    def test_sync_on_signal_1(self):
        self.signalled("1", signal.SIGHUP)

    def test_sync_on_signal_others(self):
        self.signalled("SIGUSR1", signal.SIGUSR1)

    def test_sync_on_signal_others_by_number(self):
        self.signalled("12", signal.SIGUSR2)


class Slow(ServedCase):
    """git-sync's suite has a git that sleeps; here the server does."""

    def slow(self, *more):
        server = HttpBackend(self.served.path, None, "", *more)
        self.addCleanup(server.close)
        return server.url(self.bare.path.name)

    def test_error_slow_git_short_timeout(self):
        self.push()
        begun = time.monotonic()
        said = self.once(expected=1, repo=self.slow("--delay", "10"), sync_timeout="1s", link="current")
        self.assertRegex(said, "(longer than --sync-timeout=1s|not done after 1s; .*--sync-timeout)")  # whichever clock is first
        self.assertLess(time.monotonic() - begun, 1 + 2)  # within a second, and a start of the program
        self.assertFalse(os.path.lexists(self.root / "current"))

    def test_sync_slow_git_long_timeout(self):
        first = self.push("one")
        sync = self.started(repo=self.slow("--delay", "0.7"), sync_timeout="16s", link="current")
        sync.wait_for(first)
        sync.wait_for(self.push("two"))
        self.assertEqual(self.metrics(sync).get('git_sync_count_total{status="error"}', 0), 0)


class Hash(ServedCase):
    """Servers that give a bare hash only when a ref names it: git daemon in its older protocols, which libgit2 speaks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon = GitDaemon(cls.served.path)
        cls.addClassCleanup(cls.daemon.close)

    def url(self, bare):
        bare.git("config", "uploadpack.allowAnySHA1InWant", "false")
        return self.daemon.url(bare.path.name)

    def sync(self, repo=None, **options):
        return super().sync(repo, **{"username": None, "password_file": None, **options})

    def test_a_hash_is_searched_in_all_branches_and_tags(self):
        self.push("main")
        on_branch = self.bare.push(self.tree("below a branch"), ref="refs/heads/side")
        self.bare.push(self.tree("the branch's tip"), ref="refs/heads/side")
        on_tag = self.bare.push(self.tree("below a tag"), ref="refs/heads/gone")
        tip = self.bare.push(self.tree("the tag's commit"), ref="refs/heads/gone")
        self.bare.git("tag", "-a", "-m", "a tag", "v1", tip)
        self.bare.git("update-ref", "-d", "refs/heads/gone")
        for commit, text in ((on_branch, "below a branch"), (on_tag, "below a tag")):
            self.once(ref=commit)
            self.assertEqual(self.read("current/file"), text)

    def test_a_hash_that_no_branch_or_tag_holds_is_an_error_that_names_it(self):
        first = self.push("one")
        lost = self.push("two")
        self.bare.move(first)
        self.assertIn(lost, self.once(expected=1, ref=lost))
        self.assertFalse(os.path.lexists(self.root / "current"))
        self.bare.git("tag", "found", lost)
        self.once(ref=lost)
        self.assertEqual(self.read("current/file"), "two")


if __name__ == "__main__":
    unittest.main()
