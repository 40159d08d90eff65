#!/usr/bin/env python3
"""git-sync's promises about what it finds below its root, black box: init_root_*, sync_crash_*, worktree_*, readlink and v3_v4_upgrade_in_place of
its end-to-end suite."""

import os
import shutil
import subprocess
import unittest

from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import git
from tidemark_e2e.git_sync import GitSyncVolume
from tidemark_e2e.sync_case import ServedCase


class InitRoot(ServedCase):
    def fills(self, root, flag=None):
        commit = self.push("one")
        said = self.once(root=flag or root)
        self.assertEqual((self.read("current/file", root), os.readlink(root / "current")), ("one", f".worktrees/{commit}"))
        return said

    def test_init_root_doesnt_exist(self):
        self.fills(self.root / "sub" / "folder")

    def test_init_root_exists_empty(self):
        self.root.mkdir()
        self.fills(self.root)

    def test_init_root_flag_is_weird(self):
        self.root.mkdir()
        self.fills(self.root, "../../../../../../../../.." + f"{self.root}/../../../../../../../../..{self.root}/.")

    def test_init_root_flag_has_symlink(self):
        real = self.folder / "elsewhere" / "real"
        real.mkdir(parents=True)
        (self.folder / "link-to-it").symlink_to(real)
        self.fills(real, self.folder / "link-to-it")

    def test_init_root_is_under_another_repo(self):
        outer = self.folder / "outer"
        root = outer / "root"
        git("init", "--quiet", outer)
        root.mkdir()
        (root / "kept").write_text("the user's")
        before = sorted(path for path in (outer / ".git").rglob("*"))
        self.fills(root)
        self.assertEqual((root / "kept").read_text(), "the user's")
        self.assertEqual(sorted(path for path in (outer / ".git").rglob("*")), before)

    def test_init_root_fails_sanity(self):
        git("init", "--quiet", self.root)
        (self.root / ".git/HEAD").write_text("ref: refs/heads/nonexist\n")
        self.fills(self.root)

    def test_init_root_fails_sanity_in_every_way_and_what_is_published_stays_until_its_successor_is_live(self):
        first = self.push("one")
        self.once()
        for damage in (
            lambda: (self.root / ".git/HEAD").write_bytes(b"\0\0"),
            lambda: (self.root / ".git/config").write_text("[core"),
            lambda: shutil.rmtree(self.root / ".git/objects"),
            lambda: shutil.rmtree(self.root / ".git"),
        ):
            damage()
            published = os.readlink(self.root / "current")
            code, said = self.sync(one_time=True, ref="no-such-branch").run()
            self.assertEqual((code, os.readlink(self.root / "current")), (1, published), said)
            self.assertTrue((self.root / "current/file").exists())
            text = f"after {published}"
            commit = self.push(text)
            self.once()
            self.assertEqual((self.read("current/file"), os.readlink(self.root / "current")), (text, f".worktrees/{commit}"))
        self.assertNotEqual(first, commit)

    def test_init_root_fails_sanity_when_objects_are_gone_at_a_start_or_while_it_runs(self):
        def damage():
            for file in (self.root / ".git/objects").rglob("*"):
                if file.is_file():
                    file.unlink()

        first = self.push("one")
        self.once()
        damage()
        sync = self.started()
        sync.wait_for(self.push("two"))
        damage()
        sync.wait_for(self.push("three"))
        sync.close()
        for index in (self.root / ".git/objects/pack").glob("*.idx"):  # what a crash of the machine leaves
            index.chmod(0o644)
            index.write_bytes(b"")
        fourth = self.push("four")
        self.once()
        self.assertEqual((self.read("current/file"), os.readlink(self.root / "current")), ("four", f".worktrees/{fourth}"))
        git("fsck", "--connectivity-only", cwd=self.root)
        self.assertNotEqual(first, fourth)

    def test_bad_ref_non_zero_exit(self):
        self.push()
        self.assertIn("does-not-exist", self.once(expected=1, ref="does-not-exist"))
        self.assertFalse(os.path.lexists(self.root / "current"))


class Crash(ServedCase):
    def test_sync_crash_no_link_cleanup_retry(self):
        self.push("one")
        self.once()
        (self.root / "current").unlink()
        self.once()
        self.assertEqual(self.read("current/file"), "one")

    def test_sync_crash_no_worktree_cleanup_retry(self):
        self.push("one")
        self.once()
        shutil.rmtree(self.root / ".worktrees")
        self.once()
        self.assertEqual(self.read("current/file"), "one")

    def test_sync_sha_shafile_exists(self):
        first, second = self.push("one"), self.push("two")
        self.once(ref=first)
        self.assertEqual(self.read("current/file"), "one")
        (self.root / second).write_text("the user's")
        self.once(ref=second)
        self.assertEqual((self.read("current/file"), self.read(second)), ("two", "the user's"))


class Worktrees(ServedCase):
    def frozen(self, sync):
        """The world changes while the program stands still, so that it meets all of it at once."""
        sync.freeze()
        self.addCleanup(lambda: sync.running() and sync.thaw())
        return sync

    def test_worktree_cleanup(self):
        first = self.push("one")
        sync = self.started()
        self.follows(sync, first, "one", 1)
        self.frozen(sync)
        second = self.push("two")
        trees = self.root / ".worktrees"
        git("worktree", "add", "--quiet", trees / second, "-b", "collides", "--no-checkout", second, cwd=self.bare.path)
        (trees / "not_a_hash" / "sub").mkdir(parents=True)
        (trees / "not_a_folder").touch()
        sync.thaw()
        self.follows(sync, second, "two", 2)
        wait_until(lambda: os.listdir(trees) == [second], lambda: f"the garbage is removed: {os.listdir(trees)}")
        self.assertEqual(git("rev-parse", "HEAD", cwd=trees / second).decode().strip(), second)

    def test_worktree_unexpected_removal(self):
        commit = self.push("one")
        sync = self.started()
        self.follows(sync, commit, "one", 1)
        self.frozen(sync)
        shutil.rmtree(self.root / ".worktrees" / commit)
        sync.thaw()
        wait_until(lambda: (sync.link / "file").exists(), "the tree is back")
        self.assertEqual((self.read("current/file"), sync.published()), ("one", commit))

    def test_sync_recover_wrong_worktree_hash(self):
        commit = self.push("one")
        sync = self.started()
        self.follows(sync, commit, "one", 1)
        self.frozen(sync)
        (sync.link / "file").write_text("unexpected")
        git("commit", "-qam", "corrupt it", cwd=sync.link)
        self.assertNotEqual(git("rev-parse", "HEAD", cwd=sync.link).decode().strip(), commit)
        sync.thaw()
        wait_until(lambda: self.read("current/file") == "one", "the tree is repaired")
        self.assertEqual(git("rev-parse", "HEAD", cwd=sync.link).decode().strip(), commit)
        self.assertEqual(git("status", "--porcelain", cwd=sync.link), b"")

    def test_readlink(self):
        sync = self.started(max_failures=-1)
        first = self.push("one")
        for move in (lambda: first, lambda: self.push("two"), lambda: self.bare.move(first) or first):
            commit = move()
            sync.wait_for(commit)
            self.assertEqual(os.path.basename(os.readlink(self.root / "current")), commit)
            self.assertEqual(os.path.basename(os.path.realpath(self.root / "current")), commit)


class Upgrades(ServedCase):
    """A volume that another program wrote goes on: the files are there all the time, and what the other one left goes."""

    def v3(self, commit, name):
        """git-sync v3's volume: the trees lie in the root itself."""
        clone = ["clone", "--quiet", "--no-checkout", "--depth=1", f"file://{self.bare.path}", self.root]
        git(*clone)
        git("worktree", "add", "--quiet", "--detach", self.root / name, commit, cwd=self.root)
        (self.root / name / ".git").write_text(f"gitdir: ../.git/worktrees/{name}\n")
        (self.root / "current").symlink_to(name)
        (self.root / "users").mkdir()
        (self.root / "users" / "file").write_text("kept")

    def upgraded(self, name, text):
        self.assertEqual((self.read("current/file"), self.read("users/file")), (text, "kept"))
        self.assertTrue(os.readlink(self.root / "current").startswith(".worktrees/"))
        self.assertEqual(sorted(os.listdir(self.root)), [".git", ".worktrees", "current", "users"])
        self.assertEqual(os.listdir(self.root / ".git/worktrees"), os.listdir(self.root / ".worktrees"))
        self.assertEqual(git("status", "--porcelain", cwd=self.root / "current"), b"")

    def test_v3_v4_upgrade_in_place(self):
        first = self.push("one")
        self.v3(first, first)
        self.push("two")
        self.once()
        self.upgraded(first, "two")

    def test_v3_v4_upgrade_in_place_with_the_first_v3s_names_and_nothing_new(self):
        for number, prefix in enumerate(("rev-", "")):
            first = self.push("one")
            self.root = self.folder / f"root{number}"
            self.v3(first, prefix + first)
            sync = self.running(self.sync(root=self.root))
            wait_until(sync.ready, lambda: f"it is ready\n{sync.tail()}")
            self.passes(sync, 3)
            self.upgraded(prefix + first, "one")
            self.assertEqual(self.metrics(sync)['git_sync_count_total{status="success"}'], 1)
            sync.close()

    def test_v3_v4_upgrade_in_place_leaves_the_old_tree_live_while_the_remote_is_away(self):
        first = self.push("one")
        self.v3(first, first)
        self.once(expected=1, ref="no-such-branch")
        self.assertEqual((os.readlink(self.root / "current"), self.read("current/file")), (first, "one"))

    def test_v4_upgrade_in_place(self):
        for expected, after in (("one", lambda: None), ("two", lambda: self.push("two"))):
            self.push("one")
            self.root = self.folder / f"root-{expected}"
            volume = GitSyncVolume(self.root, f"file://{self.bare.path}")
            (self.root / "users").mkdir()
            (self.root / "users" / "file").write_text("kept")
            volume.publish()
            after()
            sync = self.running(self.sync(root=self.root))
            wait_until(sync.ready, lambda: f"it is ready\n{sync.tail()}")
            self.passes(sync, 2)
            self.upgraded(volume, expected)
            sync.close()

    def test_back_to_git_sync_v4_in_place(self):
        self.push("one")
        self.once()
        subprocess.run(["cp", "-a", self.root, self.folder / "copy"], check=True)
        second = self.push("two")
        # What git-sync does in each pass, with the git command, in the root that we made.
        root = self.folder / "copy"
        git("fetch", "--quiet", f"file://{self.bare.path}", "main", "--depth=1", "--prune", "--no-auto-gc", cwd=root)
        git("reset", "--quiet", "--soft", second, cwd=root)
        git("worktree", "add", "--quiet", "--force", "--detach", root / ".worktrees" / second, second, cwd=root)
        self.assertEqual((root / ".worktrees" / second / "file").read_text(), "two")
        git("worktree", "prune", cwd=root)
        git("fsck", "--connectivity-only", cwd=root)
        self.assertEqual(git("status", "--porcelain", cwd=root / "current"), b"")


if __name__ == "__main__":
    unittest.main()
