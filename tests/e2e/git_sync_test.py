#!/usr/bin/env python3
"""Ingest beside kubernetes/git-sync: shallow repositories whose old objects vanish with every push, worktrees that come and go."""

import os
import random
import shutil
import unittest

from tidemark_e2e.environment import Folder, wait_until
from tidemark_e2e.generator import Generator
from tidemark_e2e.git import Bare, File
from tidemark_e2e.git_sync import GitSyncVolume
from tidemark_e2e.index import compare_listing, compare_quarantine, compare_rows, read_database
from tidemark_e2e.oracle import Oracle
from tidemark_e2e.processes import Ingest
from tidemark_e2e.world import MAX_FILE_SIZE, World


class BesideGitSync(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.close)
        self.bare = Bare(self.folder / "remote.git")
        self.bare.git("config", "uploadpack.allowFilter", "true")
        self.oracle = Oracle(self.bare.path, MAX_FILE_SIZE)
        self.addCleanup(self.oracle.close)
        self.url = f"file://{self.bare.path}"

    def volume(self, **options):
        volume = GitSyncVolume(self.folder / "volume", self.url, **options)
        options = {**World.SOURCE_OPTIONS, "source_name": "beside"}
        self.ingest = Ingest(self.folder.path, volume.link, **options).start()
        self.addCleanup(self.ingest.kill)
        self.ingest.wait_alive()
        return volume

    def same(self, commit):
        expectation = self.oracle.expect(commit)
        client = self.ingest.client
        self.assertEqual(
            compare_rows(expectation, read_database(self.ingest.database), self.oracle)
            + compare_listing(expectation, client)
            + compare_quarantine(expectation, client),
            [],
        )

    def publish(self, volume, tree, **options):
        commit = self.bare.push(tree, **options)
        self.assertEqual(volume.publish(), commit)
        return commit

    def follow(self, volume, commit):
        volume.notify(self.ingest.port, commit)
        self.ingest.wait_for(commit)
        self.same(commit)

    def test_17_18_random_pushes_with_depth_1_and_everything_old_pruned_at_once(self):
        generator = Generator(17, MAX_FILE_SIZE, size=40)
        volume, chance, previous = self.volume(), random.Random(17), None
        for _ in range(40):
            push = generator.next_push()
            if push.target is None:
                commit = self.bare.commits(push.steps)[-1]
            else:
                commit = generator.tips[push.target]
                self.bare.move(commit)
            generator.pushed(commit, push.tree)
            volume.publish()
            if chance.random() < 0.5:  # the old objects vanish before ingest has looked, or while it does
                volume.notify(self.ingest.port, commit)
                volume.clean(commit)
            else:
                volume.clean(commit)
                volume.notify(self.ingest.port, commit)
            if previous and previous != commit:
                self.assertFalse(volume.has(previous))
            previous = commit
            self.ingest.wait_for(commit)
            self.same(commit)
        self.ingest.close()

    def test_17_a_restart_after_the_old_commit_was_pruned_finds_its_way_by_an_audit(self):
        volume = self.volume()
        tree = {b"%d.md" % number: File(b"# t\n\npx%08d\n" % number) for number in range(50)}
        first = self.publish(volume, tree)
        self.follow(volume, first)
        self.ingest.kill()
        del tree[b"7.md"]
        second = self.publish(volume, {**tree, b"new.md": File(b"# new\n")})
        volume.clean(second)
        self.assertFalse(volume.has(first))
        self.ingest.start().wait_alive()
        self.ingest.wait_for(second)
        self.same(second)
        run = next(run for run in self.ingest.client.runs() if run["to"] == second)
        self.assertEqual((run["mode"], run["upserted"], run["removed"]), ("audit", 1, 1), run)

    def test_17_while_it_runs_ingest_diffs_from_its_memory_when_the_old_commit_is_gone(self):
        volume = self.volume()
        tree = {b"%d.md" % number: File(b"# t\n\npx%08d\n" % number) for number in range(50)}
        first = self.publish(volume, tree)
        self.follow(volume, first)
        second = self.publish(volume, {**tree, b"7.md": File(b"# other\n")})
        volume.clean(second)
        self.follow(volume, second)
        run = next(run for run in self.ingest.client.runs() if run["to"] == second)
        self.assertEqual((run["outcome"], run["upserted"], run["removed"]), ("succeeded", 1, 0), run)

    def test_19_a_worktree_that_is_empty_or_gone_changes_nothing(self):
        volume = self.volume()
        tree = {b"%d.md" % number: File(b"# t\n\npx%08d\n" % number) for number in range(20)}
        first = self.publish(volume, tree)
        self.follow(volume, first)
        worktree = volume.link.resolve()
        for name in os.listdir(worktree):
            if name != ".git":
                os.unlink(worktree / name)
        answer = self.ingest.client.resync("rewrite", wait=30, expected=(200,))
        self.assertEqual(answer.status, 200)
        self.same(first)
        shutil.rmtree(worktree)
        self.ingest.client.sync(first)
        wait_until(lambda: not self.ingest.client.status().get("running"), "quiet")
        self.same(first)
        second = self.publish(volume, {b"a.md": File(b"# a\n")})
        self.follow(volume, second)

    def test_19_a_link_that_is_gone_for_a_while_loses_nothing(self):
        volume = self.volume()
        first = self.publish(volume, {b"%d.md" % number: File(b"# t\n") for number in range(20)})
        self.follow(volume, first)
        target = os.readlink(volume.link)
        volume.link.unlink()
        self.ingest.client.sync(first)
        wait_until(lambda: not self.ingest.client.status().get("running"), "quiet")
        self.same(first)
        volume.link.symlink_to(target)
        self.follow(volume, first)

    def test_57_a_sparse_checkout_is_indexed_as_a_whole(self):
        volume = self.volume()
        commit = self.bare.push({b"in/a.md": File(b"# a\n"), b"out/b.md": File(b"# b\n")})
        volume.publish(sparse="/in/\n")
        self.assertFalse((volume.link / "out").exists())
        self.follow(volume, commit)

    def test_57_a_partial_clone_without_its_blobs_is_refused_with_the_reason(self):
        volume = self.volume(filter_spec="blob:none")
        commit = self.bare.push({b"a.md": File(b"# a\n")})
        volume.publish(checkout=False)
        self.assertFalse("a.md" in os.listdir(volume.link))
        volume.notify(self.ingest.port, commit)
        error = lambda: (lambda status: (status.get("last_error") or status.get("stalled") or ""))(self.ingest.client.status())
        wait_until(error, lambda: f"a reason\n{self.ingest.tail()}")
        self.assertIn("partial clone", error())
        self.assertEqual(self.ingest.client.documents(), [])

    def test_15_force_pushes_in_a_shallow_repository(self):
        volume = self.volume()
        tree = {b"%d.md" % number: File(b"# t\n\npx%08d\n" % number) for number in range(20)}
        first = self.publish(volume, tree)
        self.follow(volume, first)
        second = self.publish(volume, {b"x.md": File(b"# x\n"), **dict(list(tree.items())[:15])}, force_root=True)
        volume.clean(second)
        self.follow(volume, second)
        self.bare.move(first)
        self.assertEqual(volume.publish(), first)
        volume.clean(first)
        self.follow(volume, first)


if __name__ == "__main__":
    unittest.main()
