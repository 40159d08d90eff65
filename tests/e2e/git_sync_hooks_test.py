#!/usr/bin/env python3
"""git-sync's promises about hooks, black box: exechook_*, pre_publish_exechook_*, webhook_* of its end-to-end suite, and what ours do better."""

import os
import signal
import tarfile
import unittest

from tidemark_e2e.environment import wait_until
from tidemark_e2e.sync_case import SyncCase

# What git-sync's own test hook does: leaves the revision's file and its environment in the tree, and a line in a log.
RECORD = 'cat file > hook-file; echo "$GITSYNC_HASH" > hook-hash; echo "$PWD $GITSYNC_HASH" >> {log}'


class Exechook(SyncCase):
    def hook(self, more=""):
        return self.script(RECORD.format(log=self.folder / "runs") + "\n" + more)

    def test_exechook_success_runs_once_per_revision_in_its_tree(self):
        first = self.push("one")
        sync = self.started(exechook_command=self.hook())
        self.wait_lines("runs", 1)
        self.assertEqual(self.read("current/hook-file"), "one")
        second = self.push("two")
        self.wait_lines("runs", 2)
        sync.wait_for(second)
        self.assertEqual((self.read("current/hook-file"), self.read("current/hook-hash").strip()), ("two", second))
        self.passes(sync, 3)
        trees = [f"{self.root}/.worktrees/{commit} {commit}" for commit in (first, second)]
        self.assertEqual(self.lines("runs"), trees)

    def test_exechook_fail_retry(self):
        commit = self.push()
        sync = self.started(
            exechook_command=self.script(f"echo $GITSYNC_HASH >> {self.folder}/runs; [ $(wc -l < {self.folder}/runs) -ge 3 ]"), exechook_backoff="1s"
        )
        self.wait_lines("runs", 3)
        sync.wait_for(commit)
        wait_until(lambda: self.metrics(sync).get('git_sync_hook_run_count_total{name="exechook",status="success"}') == 1, "it has succeeded")
        self.assertEqual(self.metrics(sync)['git_sync_hook_run_count_total{name="exechook",status="error"}'], 2)
        self.assertEqual(self.lines("runs"), [commit] * 3)

    def test_exechook_success_once_waits_for_a_slow_hook(self):
        self.push("one")
        self.once(exechook_command=self.hook("sleep 2; touch finished"))
        self.assertEqual(self.read("current/hook-file"), "one")
        self.assertTrue((self.root / "current/finished").exists())

    def test_exechook_fail_once_tries_once_ends_with_1_and_the_link_stays(self):
        commit = self.push("one")
        said = self.once(expected=1, exechook_command=self.hook("sleep 1; exit 1"), exechook_backoff="1s")
        self.assertIn("exit code 1", said)
        self.assertEqual(os.path.basename(os.readlink(self.root / "current")), commit)
        self.assertEqual(self.read("current/file"), "one")
        self.assertEqual(len(self.lines("runs")), 1)

    def test_exechook_startup_after_crash_runs_though_nothing_is_new(self):
        self.push("one")
        self.once()
        self.once(exechook_command=self.hook())
        self.assertEqual(self.read("current/hook-file"), "one")
        self.assertEqual(len(self.lines("runs")), 1)

    def test_exechook_git_archive(self):
        self.push("one")
        self.once(exechook_command=self.script('git archive --format=tgz -o archive.tgz "$GITSYNC_HASH"'))
        with tarfile.open(self.root / "current/archive.tgz") as archive:
            self.assertEqual(archive.extractfile("file").read(), b"one")

    def test_a_hook_that_writes_in_place_changes_neither_the_tree_before_nor_the_one_after(self):
        self.push("one", other="clean")
        sync = self.started(exechook_command=self.script(f"echo dirt >> other; echo run >> {self.folder}/runs"), stale_worktree_timeout=None)
        self.wait_lines("runs", 1)
        self.push("two", other="clean")
        self.wait_lines("runs", 2)
        wait_until(
            lambda: self.read("current/other") == "cleandirt\n" and self.read("current/file") == "two", "the second tree, with one line of dirt"
        )
        self.assertTrue(sync.running())

    def test_a_hook_that_hangs_delays_no_revision_and_is_killed_with_all_its_children(self):
        self.push("one")
        sync = self.started(
            exechook_command=self.script(f"sleep 1000 & echo $! >> {self.folder}/runs; wait"), exechook_timeout="1s", exechook_backoff="1s"
        )
        self.wait_lines("runs", 1)
        sync.wait_for(self.push("two"))
        self.wait_lines("runs", 2)
        wait_until(lambda: not os.path.exists(f"/proc/{self.lines('runs')[0]}"), "the first run's child is gone")
        wait_until(lambda: "longer than 1s" in sync.log(), "the log says so")

    def test_the_end_does_not_wait_for_a_hook(self):
        self.push("one")
        sync = self.started(exechook_command=self.script(f"echo $$ >> {self.folder}/runs; trap '' TERM; sleep 1000"), exechook_timeout="1h")
        [pid] = self.wait_lines("runs", 1)
        self.assertEqual(sync.stop(), 0)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the hook is gone")

    def test_the_hook_knows_ref_and_previous_but_no_secret_and_its_words_are_logged(self):
        first = self.push("one")
        hook = self.script(f'echo "hello from the hook"; env > {self.folder}/environment.$GITSYNC_HASH')
        sync = self.started(exechook_command=hook, username="u", environment={"GITSYNC_PASSWORD": "the-secret", "OWN_WORD": "kept"})
        wait_until(lambda: (self.folder / f"environment.{first}").exists(), "the first run")
        second = self.push("two")
        found = wait_until(lambda: self.lines(f"environment.{second}"), "the second run")
        for line in (f"GITSYNC_HASH={second}", f"TIDEMARK_PREVIOUS={first}", "TIDEMARK_REF=refs/heads/main", "OWN_WORD=kept"):
            self.assertIn(line, found)
        self.assertNotIn("the-secret", "\n".join(found))
        wait_until(lambda: "hello from the hook" in sync.log(), "its words")

    def test_old_spelling_of_the_command(self):
        self.push("one")
        said = self.once(sync_hook_command=self.hook())
        self.assertIn("--exechook-command", said)
        self.assertEqual(len(self.lines("runs")), 1)


class PrePublishExechook(SyncCase):
    def hook(self, more=""):
        return self.script(RECORD.format(log=self.folder / "runs") + "\n" + more)

    def test_pre_publish_exechook_success(self):
        self.push("one")
        sync = self.started(pre_publish_exechook_command=self.hook(f"readlink {self.root}/current >> {self.folder}/links; true"))
        wait_until(lambda: sync.published(), "the first revision")
        self.assertEqual((self.read("current/file"), self.read("current/hook-file")), ("one", "one"))
        first = sync.published()
        sync.wait_for(self.push("two"))
        self.assertEqual(self.read("current/hook-file"), "two")
        self.assertEqual(len(self.lines("runs")), 2)
        self.assertEqual(self.lines("links"), [f".worktrees/{first}"])  # before the flip; the first time there was no link

    def test_pre_publish_exechook_fail_retry_holds_the_revision_back_until_it_succeeds(self):
        first = self.push("one")
        hook = self.script(f'echo $GITSYNC_HASH >> {self.folder}/runs; [ "$(cat file)" != bad ] || [ -e {self.folder}/allowed ]')
        sync = self.started(pre_publish_exechook_command=hook, pre_publish_exechook_backoff="1s")
        sync.wait_for(first)
        bad = self.push("bad")
        self.wait_lines("runs", 3)
        self.assertEqual(sync.published(), first)
        self.assertEqual(self.read("current/file"), "one")
        (self.folder / "allowed").touch()
        sync.wait_for(bad)
        self.assertEqual(set(self.lines("runs")), {first, bad})

    def test_pre_publish_exechook_veto_does_not_delay_a_newer_revision(self):
        first = self.push("one")
        hook = self.script(f'echo $GITSYNC_HASH >> {self.folder}/runs; [ "$(cat file)" != bad ]')
        sync = self.started(pre_publish_exechook_command=hook, pre_publish_exechook_backoff="1h")
        sync.wait_for(first)
        bad = self.push("bad")
        self.wait_lines("runs", 2)
        good = self.push("good")
        sync.wait_for(good)
        self.assertEqual(self.lines("runs"), [first, bad, good])
        wait_until(lambda: set(os.listdir(self.root / ".worktrees")) <= {good}, "the refused tree is removed")

    def test_pre_publish_exechook_a_slow_hook_stops_neither_looking_nor_publishing(self):
        self.push("one")
        hook = self.script(f"echo $GITSYNC_HASH >> {self.folder}/runs; while [ ! -e {self.folder}/go.$(cat file) ]; do sleep 0.05; done")
        sync = self.started(pre_publish_exechook_command=hook)
        first = self.wait_lines("runs", 1)[0]
        self.passes(sync, 2)
        self.push("two")
        self.passes(sync, 2)
        third = self.push("three")
        self.passes(sync, 2)
        self.assertIsNone(sync.published())
        (self.folder / "go.one").touch()
        sync.wait_for(first)
        (self.folder / "go.three").touch()
        sync.wait_for(third)
        self.assertEqual(self.lines("runs"), [first, third])

    def test_pre_publish_exechook_a_revision_that_was_taken_back_is_not_published(self):
        first = self.push("one")
        hook = self.script(
            f'echo $GITSYNC_HASH >> {self.folder}/runs; [ "$(cat file)" = one ] || while [ ! -e {self.folder}/go ]; do sleep 0.05; done'
        )
        sync = self.started(pre_publish_exechook_command=hook)
        sync.wait_for(first)
        self.push("two")
        self.wait_lines("runs", 2)
        self.bare.move(first)
        self.passes(sync, 2)
        (self.folder / "go").touch()
        success = 'git_sync_hook_run_count_total{name="pre-publish-exechook",status="success"}'
        wait_until(lambda: self.metrics(sync).get(success) == 2, "the run ends well")
        self.passes(sync, 2)
        self.assertEqual(sync.published(), first)

    def test_pre_publish_exechook_success_once(self):
        self.push("one")
        self.once(pre_publish_exechook_command=self.hook("sleep 2; touch finished"))
        self.assertTrue((self.root / "current/finished").exists())

    def test_pre_publish_exechook_once_has_its_own_time_limit_not_the_fetch_s(self):
        self.push("one")
        self.once(sync_timeout="1s", pre_publish_exechook_command=self.hook("sleep 2; touch finished"))
        self.assertTrue((self.root / "current/finished").exists())

    def test_pre_publish_exechook_fail_once_leaves_the_link_where_it_was(self):
        first = self.push("one")
        self.once()
        self.push("two")
        said = self.once(expected=1, max_failures=-1, pre_publish_exechook_command=self.hook("exit 1"), pre_publish_exechook_backoff="1s")
        self.assertIn("nothing is published", said)
        self.assertEqual(os.path.basename(os.readlink(self.root / "current")), first)
        self.assertEqual(len(self.lines("runs")), 1)

    def test_pre_publish_exechook_startup_after_crash_is_not_run_for_what_is_published(self):
        self.push("one")
        self.once()
        self.once(pre_publish_exechook_command=self.hook())
        self.assertEqual(self.lines("runs"), [])
        self.assertFalse((self.root / "current/hook-file").exists())

    def test_after_a_restart_the_old_revision_serves_while_the_new_one_is_refused(self):
        first = self.push("one")
        self.once()
        self.push("two")
        sync = self.started(pre_publish_exechook_command="false", pre_publish_exechook_backoff="1h")
        wait_until(sync.ready, "it is ready")
        self.passes(sync, 2)
        self.assertEqual(sync.published(), first)


class Webhook(SyncCase):
    def test_webhook_success_is_one_call_per_revision(self):
        consumer = self.consumer(200)
        first = self.push("one")
        sync = self.started(webhook_url=consumer.url, webhook_success_status=200)
        wait_until(lambda: consumer.hashes() == [first], "the first call")
        second = self.push("two")
        wait_until(lambda: consumer.hashes() == [first, second], "the second call")
        self.passes(sync, 3)
        self.assertEqual(consumer.hashes(), [first, second])
        method, headers, body = consumer.calls[1]
        self.assertEqual((method, body, headers["content-length"]), ("POST", b"", "0"))
        self.assertEqual((headers["tidemark-ref"], headers["tidemark-previous"]), ("refs/heads/main", first))

    def test_webhook_fail_retry_until_the_status_is_the_one_asked_for(self):
        consumer = self.consumer(500, 204, 200)
        commit = self.push("one")
        sync = self.started(webhook_url=consumer.url, webhook_success_status=200, webhook_backoff="1s")
        wait_until(lambda: consumer.hashes() == [commit] * 3, "three calls")
        self.passes(sync, 3)
        self.assertEqual(len(consumer.calls), 3)

    def test_any_2xx_is_success_unless_one_is_asked_for(self):
        consumer = self.consumer(204)
        commit = self.push("one")
        sync = self.started(webhook_url=consumer.url, webhook_backoff="1s")
        wait_until(lambda: self.metrics(sync).get('git_sync_hook_run_count_total{name="webhook",status="success"}') == 1, "a success")
        self.assertEqual(consumer.hashes(), [commit])

    def test_webhook_success_once(self):
        consumer = self.consumer(200)
        commit = self.push("one")
        self.once(webhook_url=consumer.url, webhook_success_status=200)
        self.assertEqual(consumer.hashes(), [commit])

    def test_webhook_fail_retry_once_ends_with_1_after_one_call_and_the_link_stays(self):
        consumer = self.consumer(500)
        commit = self.push("one")
        self.once(expected=1, webhook_url=consumer.url, webhook_success_status=200)
        self.assertEqual(consumer.hashes(), [commit])
        self.assertEqual(os.path.basename(os.readlink(self.root / "current")), commit)

    def test_webhook_fire_and_forget(self):
        consumer = self.consumer(404)
        commit = self.push("one")
        sync = self.started(webhook_url=consumer.url, webhook_success_status=0, webhook_backoff="1s")
        wait_until(lambda: self.metrics(sync).get('git_sync_hook_run_count_total{name="webhook",status="success"}') == 1, "a success")
        self.assertEqual(consumer.hashes(), [commit])

    def test_another_method(self):
        consumer = self.consumer(200)
        self.push("one")
        self.once(webhook_url=consumer.url, webhook_method="PUT")
        self.assertEqual([method for method, _, _ in consumer.calls], ["PUT"])

    def test_a_webhook_and_a_program_do_not_wait_for_each_other(self):
        consumer = self.consumer(500)
        self.push("one")
        sync = self.started(
            webhook_url=consumer.url, webhook_backoff="1h", exechook_command=self.script(f"echo >> {self.folder}/runs; exit 1"), exechook_backoff="1h"
        )
        wait_until(lambda: consumer.calls, "the webhook")
        self.wait_lines("runs", 1)
        second = self.push("two")
        wait_until(lambda: consumer.hashes()[-1] == second, "the webhook again, despite its backoff")
        self.wait_lines("runs", 2)
        sync.process.send_signal(signal.SIGTERM)
        self.assertEqual(sync.process.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
