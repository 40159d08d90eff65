#!/usr/bin/env python3
"""git-sync's promises about itself, black box: expose_http*, export_error*, touch_file*, init_period_* and init_max_failures_* of its end-to-end
suite, and what ours do better."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from tidemark_e2e.client import request
from tidemark_e2e.environment import UNDER_CI, wait_until
from tidemark_e2e.servers import HttpBackend, Sshd
from tidemark_e2e.sync_case import SyncCase

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'^({NAME})(?:\{{((?:{NAME}="(?:[^"\\\n]|\\["\\n])*",?)*)\}})? (NaN|[+-]Inf|[-+0-9.eE]+)$')


def parsed(exposition):
    """{family: [type, help, samples]} of the text format 0.0.4, or an AssertionError: each family in one piece, with one HELP and one TYPE before
    its samples."""
    families, current = {}, None
    assert exposition.endswith("\n")
    for line in exposition.splitlines():
        if line.startswith("# HELP "):
            _, _, name, text = line.split(" ", 3)
            assert name not in families and text, line
            families[name], current = [None, text, []], name
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and families[name][0] is None and kind in ("counter", "gauge", "summary", "histogram"), line
            families[name][0] = kind
        elif line:
            match = SAMPLE.match(line)
            assert match, line
            suffixes = {"summary": ("", "_sum", "_count"), "histogram": ("_bucket", "_sum", "_count")}.get(families[current][0], ("",))
            assert match[1] in [current + suffix for suffix in suffixes], line
            families[current][2].append(line)
    assert all(kind and samples for kind, _, samples in families.values()), families
    return families


class Http(SyncCase):
    def get(self, sync, path="/"):
        return request(sync.port, "GET", path, timeout=10)

    def test_expose_http_is_503_until_something_is_published(self):
        sync = self.started(max_failures=-1)
        for path in ("/", "/readyz", "/anything"):
            self.assertEqual((self.get(sync, path).status, self.get(sync, path).body), (503, b"repo is not ready\n"), path)
        self.assertEqual(self.get(sync, "/healthz").status, 200)
        sync.wait_for(self.push())
        wait_until(sync.ready, "it is ready")
        for path in ("/", "/readyz", "/healthz", "/anything"):
            self.assertEqual(self.get(sync, path).status, 200, path)
        self.assertEqual(self.get(sync, "/metrics").status, 200)

    def test_metrics_are_off_unless_asked_for_and_profiles_are_refused(self):
        self.push()
        sync = self.started(http_metrics=None)
        wait_until(sync.ready, "it is ready")
        self.assertEqual(self.get(sync, "/metrics").status, 404)
        self.assertIn(b"--http-metrics", self.get(sync, "/metrics").body)
        self.assertEqual(self.get(sync, "/debug/pprof/").status, 404)

    def test_expose_http_after_restart_is_ready_though_nothing_is_new(self):
        self.push()
        self.once()
        sync = self.started()
        wait_until(sync.ready, "it is ready")
        self.passes(sync, 2)
        self.assertEqual(self.metrics(sync)['git_sync_count_total{status="success"}'], 1)

    def test_ready_ends_when_the_last_success_is_stale_and_comes_back(self):
        self.push()
        sync = self.started(stale_after="2s")
        wait_until(sync.ready, "it is ready")
        self.passes(sync, 3)
        self.assertTrue(sync.ready())
        self.bare.path.rename(self.folder / "away")
        wait_until(lambda: self.get(sync, "/readyz").status == 503, "it is stale")
        self.assertEqual(self.get(sync, "/").status, 503)
        (self.folder / "away").rename(self.bare.path)
        self.assertEqual(sync.hint().status, 200)
        wait_until(sync.ready, "it is ready again")

    def test_metrics_are_what_prometheus_reads_with_git_syncs_names(self):
        first = self.push("one")
        consumer = self.consumer(200)
        sync = self.started(webhook_url=consumer.url)
        sync.wait_for(first)
        self.passes(sync, 2)
        self.bare.path.rename(self.folder / "away")
        error = 'git_sync_count_total{status="error"}'
        wait_until(lambda: self.metrics(sync).get(error), "an error")
        (self.folder / "away").rename(self.bare.path)
        answer = self.get(sync, "/metrics")
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
        families = parsed(answer.body.decode())
        for name, kind in {
            "git_sync_duration_seconds": "summary",
            "git_sync_count_total": "counter",
            "git_fetch_count_total": "counter",
            "tidemark_sync_fetched_bytes_total": "counter",
            "git_sync_hook_run_count_total": "counter",
            "tidemark_sync_last_success_timestamp_seconds": "gauge",
            "tidemark_sync_revision_info": "gauge",
            "tidemark_sync_hook_duration_seconds": "summary",
            "tidemark_sync_hook_delay_seconds": "summary",
        }.items():
            self.assertEqual(families[name][0], kind, name)
        values = self.metrics(sync)
        self.assertEqual(values['git_sync_count_total{status="success"}'], 1)
        self.assertEqual(values['git_sync_duration_seconds_count{status="success"}'], 1)
        self.assertGreater(values['git_sync_count_total{status="noop"}'], 0)
        self.assertEqual(values["git_fetch_count_total"], 1)
        self.assertEqual(values['git_sync_hook_run_count_total{name="webhook",status="success"}'], 1)
        self.assertEqual(values[f'tidemark_sync_revision_info{{commit="{first}",ref="refs/heads/main"}}'], 1)
        self.assertLess(abs(values["tidemark_sync_last_success_timestamp_seconds"] - time.time()), 600)

    def test_received_bytes_are_those_of_packs(self):
        http = HttpBackend(self.folder.path)
        self.addCleanup(http.close)
        self.push("one", large=os.urandom(200_000).hex())
        sync = self.started(repo=http.url("remote.git"), link="current")
        wait_until(sync.ready, "it is ready")
        first = self.metrics(sync)["tidemark_sync_fetched_bytes_total"]
        self.assertGreater(first, 200_000)  # hexadecimal digits pack to half of their size
        self.assertLess(first, 400_000)
        self.passes(sync, 3)
        self.assertEqual(self.metrics(sync)["tidemark_sync_fetched_bytes_total"], first)
        large = self.read("current/large")
        sync.wait_for(self.push("two", large=large))
        self.passes(sync, 1)
        second = self.metrics(sync)["tidemark_sync_fetched_bytes_total"]
        self.assertTrue(first < second < first + 200_000, (first, second))
        self.assertEqual(self.status(sync)["fetched_bytes"], second)

    def test_status_tells_what_is_published_what_failed_and_how_the_hooks_fare(self):
        first = self.push("one")
        consumer = self.consumer(500)
        sync = self.started(webhook_url=consumer.url, webhook_backoff="1h")
        sync.wait_for(first)
        second = self.push("two")
        wait_until(lambda: (self.status(sync)["published"] or {}).get("commit") == second, "the second revision")
        wait_until(lambda: self.status(sync)["hooks"][0]["failures"] >= 1, "the webhook fails")
        status = self.status(sync)
        self.assertEqual((status["ready"], status["healthy"], status["last_error"]), (True, True, None))
        self.assertEqual((status["published"]["ref"], status["published"]["previous"]), ("refs/heads/main", first))
        self.assertRegex(status["last_success"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual((status["hooks"][0]["name"], status["hooks"][0]["waiting"]), ("webhook", second))
        self.assertIn("500", status["hooks"][0]["error"])
        self.bare.path.rename(self.folder / "away")
        wait_until(lambda: self.status(sync)["last_error"], "a failure")
        self.assertTrue(self.status(sync)["ready"])


class Files(SyncCase):
    def test_export_error_is_written_and_removed_by_the_next_success(self):
        self.push()
        self.once(expected=1, ref="no-such-branch", error_file="error.json")
        error = json.loads(self.read("error.json"))
        self.assertEqual(set(error), {"Msg", "Err", "Args"})
        self.assertIn("no-such-branch", error["Err"])
        self.assertFalse((self.root / "current").exists())
        self.once(error_file="error.json")
        self.assertEqual(sorted(name for name in os.listdir(self.root) if "error" in name), [])

    def test_export_error_abs_path(self):
        self.push()
        self.once(expected=1, ref="no-such-branch", error_file=self.root / "dir/error.json")
        self.assertIn("no-such-branch", json.loads(self.read("dir/error.json"))["Err"])

    def test_an_outage_of_a_running_one_is_in_the_file_until_it_is_over(self):
        self.push()
        sync = self.started(error_file="error.json")
        wait_until(sync.ready, "it is ready")
        self.bare.path.rename(self.folder / "away")
        wait_until(lambda: (self.root / "error.json").exists(), "the file is there")
        self.assertGreaterEqual(json.loads(self.read("error.json"))["Args"]["failCount"], 1)
        (self.folder / "away").rename(self.bare.path)
        sync.hint()
        wait_until(lambda: not (self.root / "error.json").exists(), "the file is gone")

    def test_no_credential_is_in_the_error_file(self):
        self.push()
        http = HttpBackend(self.folder.path, "someone", "right-Secret")
        self.addCleanup(http.close)
        code, said = self.sync(one_time=True, repo=http.url("remote.git", "someone:wrong-Secret@"), error_file="error.json", link="current").run()
        self.assertEqual(code, 1, said)
        self.assertNotIn("Secret", self.read("error.json") + said)

    def test_what_keeps_it_from_starting_is_in_the_file(self):
        self.push()
        busy = self.consumer(200)
        for problem, options in (
            ("--no-such-flag", {"no_such_flag": "x"}),
            ("--period", {"period": "soon"}),
            ("--max-failures", {"max_failures": "many"}),
            ("--listen", {"listen": "0.0.0.0:9302"}),
            (str(busy.server.server_port), {"http_bind": f"127.0.0.1:{busy.server.server_port}"}),
        ):
            with self.subTest(problem):
                self.once(expected=2, error_file="error.json", **options)
                error = json.loads(self.read("error.json"))
                self.assertEqual((set(error), error["Msg"]), ({"Msg", "Err", "Args"}, "could not start"))
                self.assertIn(problem, error["Err"])
        self.once(error_file="error.json")
        self.assertFalse((self.root / "error.json").exists())

    def test_a_place_that_is_not_for_it_is_not_written_to(self):
        self.push()
        self.once()
        before = sorted(os.listdir(self.root)), os.readlink(self.root / "current")
        for place in ("current", "dir/../current", ".git/HEAD", ".worktrees/x"):
            self.once(expected=2, error_file=place, period="soon")
        self.assertEqual((sorted(os.listdir(self.root)), os.readlink(self.root / "current")), before)

    def test_a_second_one_on_the_same_root_leaves_the_file_to_the_first(self):
        self.push()
        sync = self.started(error_file="error.json")
        wait_until(sync.ready, "it is ready")
        code, said = self.sync(error_file="error.json", period="1h").run()
        self.assertEqual(code, 2, said)
        self.assertFalse((self.root / "error.json").exists())

    def test_a_failed_hook_of_one_time_is_in_the_file(self):
        self.push()
        self.once(expected=1, exechook_command="false", error_file="error.json")
        self.assertIn("exit code 1", json.loads(self.read("error.json"))["Err"])

    def touched(self, path):
        first = self.push("one")
        sync = self.started(touch_file=path)
        file = self.root / path
        for move in (lambda: None, lambda: self.push("two"), lambda: self.bare.move(first)):
            move()
            wait_until(file.exists, "the file is touched")
            file.unlink()
            self.passes(sync, 3)
            self.assertFalse(file.exists())
        self.assertEqual(sync.published(), first)

    def test_touch_file_only_when_something_changed(self):
        self.touched("touch.file")

    def test_touch_file_abs_path(self):
        self.touched(self.root / "dir/touch.file")

    def test_files_do_not_lie_where_the_root_keeps_its_own(self):
        for name in (".git/error.json", ".worktrees/x", "current", "dir/../current"):
            self.assertIn("--error-file", self.once(expected=2, error_file=name))
        self.assertIn("--touch-file", self.once(expected=2, touch_file=self.root / ".git/x"))


class Loop(SyncCase):
    def test_init_period_faster_initial_sync(self):
        self.bare.path.rename(self.folder / "away")
        sync = self.started(period="1h", init_period="100ms", max_failures=-1)
        wait_until(lambda: self.metrics(sync).get('git_sync_count_total{status="error"}', 0) >= 3, "three tries")
        (self.folder / "away").rename(self.bare.path)
        sync.wait_for(self.push("one"))
        # A pass is ready before it has been counted.
        wait_until(lambda: self.metrics(sync).get('git_sync_count_total{status="success"}', 0) == 1, "the first success is counted")
        self.assertTrue(sync.ready())
        passes = lambda: sum(value for name, value in self.metrics(sync).items() if name.startswith("git_sync_count_total"))
        before = passes()
        second = self.push("two")
        with self.assertRaises(AssertionError):
            sync.wait_for(second, patience=1)
        self.assertEqual(passes(), before)

    def test_init_max_failures_exceeded(self):
        self.bare.path.rename(self.folder / "away")
        code, said = self.sync(init_max_failures=3, max_failures=-1).run()
        self.assertEqual(code, 1, said)
        self.assertEqual(said.count("sync failed"), 3, said)
        self.assertFalse((self.root / "current").exists())

    def test_an_outage_after_the_first_success_ends_nothing(self):
        self.push()
        sync = self.started(max_failures=0, init_max_failures=0)
        wait_until(sync.ready, "it is ready")
        self.bare.path.rename(self.folder / "away")
        wait_until(lambda: self.metrics(sync).get('git_sync_count_total{status="error"}', 0) >= 2, "two errors")
        self.assertTrue(sync.running())

    def test_what_is_no_signal_or_has_another_meaning_is_refused(self):
        for name in ("SIGNONSENSE", "0", "-1", "999", "SIGTERM", "9"):
            self.assertIn("--sync-on-signal", self.once(expected=2, sync_on_signal=name), name)

    def test_sigterm_ends_at_once_and_cleanly_whatever_it_waits_for(self):
        self.push()
        http = HttpBackend(self.folder.path, None, "", "--hang", "refs")
        self.addCleanup(http.close)
        for options in ({"period": "1h"}, {"repo": http.url("remote.git"), "link": "current"}):
            sync = self.started(max_failures=-1, **options)
            start = time.monotonic()
            self.assertEqual(sync.stop(), 0)
            self.assertLess(time.monotonic() - start, 5)


class Surroundings(SyncCase):
    """Pid 1, any user, a root file system that is read-only: made with util-linux, which needs root."""

    def wrapped(self, *wrapper, **options):
        probe = subprocess.run([*wrapper, "true"], capture_output=True, text=True)
        if probe.returncode:
            if UNDER_CI:
                raise AssertionError(f"{wrapper}: {probe.stderr}")
            self.skipTest(f"{wrapper[0]} does not work here: {probe.stderr.strip()}")
        sync = self.sync(**options)
        sync.wrapper = list(wrapper)
        self.addCleanup(sync.kill)
        return sync

    def test_as_pid_1_it_reaps_what_a_hook_leaves_and_ends_by_sigterm(self):
        self.push("one")
        hook = self.script(f"(sleep 0.2; echo left >> {self.folder}/left) & echo $PPID > {self.folder}/parent")
        sync = self.wrapped("unshare", "--pid", "--fork", "--mount-proc", exechook_command=hook).start()
        wait_until(lambda: self.lines("parent") == ["1"], lambda: f"its parent is pid 1: {self.lines('parent')}\n{sync.tail()}")
        self.wait_lines("left", 1)
        child = wait_until(lambda: subprocess.run(["pgrep", "-P", str(sync.process.pid)], capture_output=True, text=True).stdout.split(), "pid 1")[0]
        zombies = lambda: subprocess.run(["pgrep", "-r", "Z", "-P", child], capture_output=True, text=True).stdout.split()
        wait_until(lambda: not zombies(), "nothing is left behind")
        os.kill(int(child), signal.SIGTERM)
        self.assertEqual(sync.process.wait(15), 0)

    def as_a_stranger(self, **options):
        """One pass as a user without a record, with nothing to write to but the root."""
        os.chmod(self.folder.path, 0o755)
        self.root.mkdir()
        os.chown(self.root, 12345, 23456)
        read_only = 'mount -o remount,ro,bind / && exec setpriv --reuid 12345 --regid 23456 --clear-groups "$@"'
        sync = self.wrapped("unshare", "--mount", "sh", "-c", read_only, "sh", one_time=True, exechook_command="true", touch_file="touched", **options)
        (self.folder / "sync.log").touch()
        code, said = sync.run()
        self.assertEqual(code, 0, said)
        self.assertEqual(self.read("current/file"), "one")
        self.assertEqual((self.root / "touched").stat().st_uid, 12345)

    def test_any_user_and_a_read_only_root_file_system(self):
        self.push("one")
        subprocess.run(["chown", "-R", "12345", self.bare.path], check=True)
        self.as_a_stranger()

    def test_any_user_and_a_read_only_root_file_system_over_http(self):
        self.push("one")
        http = HttpBackend(self.folder.path, "someone", "word")
        self.addCleanup(http.close)
        self.as_a_stranger(repo=http.url("remote.git", "someone:word@"), link="current")

    def test_any_user_and_a_read_only_root_file_system_over_ssh(self):
        self.push("one")
        sshd = Sshd(self.folder / "ssh")
        self.addCleanup(sshd.close)
        for name, readable in (("ssh", 0o711), ("ssh/known_hosts", 0o644)):
            os.chmod(self.folder / name, readable)
        os.chown(self.folder / "ssh/user", 12345, 23456)
        self.as_a_stranger(repo=sshd.url(self.bare.path), link="current", ssh_key_file=self.folder / "ssh/user", ssh_known_hosts_file=sshd.known_hosts)


if __name__ == "__main__":
    unittest.main()
