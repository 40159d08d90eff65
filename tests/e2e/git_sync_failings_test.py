#!/usr/bin/env python3
"""Where git-sync falls short, each as a test: a fetch that is killed or runs out of time, what it leaves behind, the first pass after a start, damage
in the live tree, and processes nobody asked for. Full disks: bad_storage_test.py; a reader that never stops: live_tree_test.py."""

import getpass
import os
import subprocess
import unittest

from tidemark_e2e.environment import UNDER_CI, Folder, free_port, wait_until
from tidemark_e2e.git import git
from tidemark_e2e.servers import GitDaemon, HttpBackend, Sshd
from tidemark_e2e.sync_case import SyncCase


def snapshot(tree):
    """What would change if anybody wrote below the tree."""
    paths = [tree, *tree.rglob("*")]
    return {
        str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns, path.lstat().st_ctime_ns, path.read_bytes() if path.is_file() else None)
        for path in paths
    }


class BrokenFetch(SyncCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.first = self.bare.push({**self.tree("one"), **{b"%d" % number: self.tree(f"{number}")[b"file"] for number in range(50)}})

    def serve(self, *more):
        server = HttpBackend(self.folder.path, None, "", "--port", self.port, *more)
        self.addCleanup(server.close)
        return server

    def sync(self, repo=None, **options):
        return super().sync(f"http://127.0.0.1:{self.port}/remote.git", **{"link": "current", **options})

    def published_then_hanging(self, **options):
        """The first revision is live, its successor's fetch hangs: gives the program, the server, and what the live tree is."""
        server = self.serve()
        self.once(**options)
        server.close()
        before = snapshot(self.root / ".worktrees" / self.first)
        second = self.push("two")
        server = self.serve("--hang", "pack")
        sync = self.sync(max_failures=-1, **options).start()
        self.addCleanup(sync.kill)
        self.assertEqual(server.process.stdout.readline(), "hanging\n")
        return sync, server, before, second

    def live_tree_is(self, before):
        self.assertEqual(os.readlink(self.root / "current"), f".worktrees/{self.first}")
        self.assertEqual(snapshot(self.root / ".worktrees" / self.first), before)

    def goes_on(self, sync, second):
        self.serve()
        sync.wait_for(second)
        self.assertEqual(self.read("current/file"), "two")
        sync.close()
        left = [path.name for path in (self.root / ".git").rglob("*") if path.name.startswith(("pack_git2", "tmp_")) or path.suffix == ".lock"]
        self.assertEqual(left, [])
        git("fsck", "--connectivity-only", cwd=self.root)

    def test_a_killed_fetch_leaves_the_live_tree_and_blocks_nothing(self):
        sync, server, before, second = self.published_then_hanging()
        sync.kill()
        (self.root / ".git/shallow.lock").touch()  # what a killed git leaves
        self.live_tree_is(before)
        server.close()
        sync.start()  # the server is away: nothing may happen to what is live
        wait_until(lambda: "sync failed" in sync.log(), "a pass has failed")
        self.live_tree_is(before)
        self.goes_on(sync, second)

    def test_a_fetch_that_takes_too_long_leaves_the_live_tree_and_blocks_nothing(self):
        sync, server, before, second = self.published_then_hanging(sync_timeout="500ms", period="100ms")
        wait_until(lambda: sync.log().count("--sync-timeout=500ms") >= 2, lambda: f"it is ended twice\n{sync.tail()}")
        self.live_tree_is(before)
        server.close()
        self.goes_on(sync, second)

    def test_stale_temporary_links_locks_and_halves_block_no_update(self):
        server = self.serve()
        self.once()
        for link in ("tmp-link", ".current.new-0123456789abcdef"):
            (self.root / link).symlink_to(".worktrees/nowhere")
        locks = [
            self.root / ".git" / name
            for name in ("shallow.lock", "index.lock", "config.lock", "HEAD.lock", "packed-refs.lock", "refs/heads/main.lock")
        ]
        halves = [self.root / ".git/objects/pack/tmp_pack_Xa81Bc", self.root / ".git/objects/pack/pack_git2_0a1b2c"]
        for file in locks + halves:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"half")
        for tree in (".new-0123456789abcdef", ".old-0123456789abcdef"):
            (self.root / ".worktrees" / tree / "tree").mkdir(parents=True)
        commit = self.push("two")
        self.once()
        self.assertEqual((self.read("current/file"), os.readlink(self.root / "current")), ("two", f".worktrees/{commit}"))
        self.assertEqual([file for file in locks + halves if file.exists()], [])
        self.assertEqual(os.listdir(self.root / ".worktrees"), [commit])
        self.assertFalse(os.path.lexists(self.root / ".current.new-0123456789abcdef"))
        server.close()

    def test_the_first_pass_after_a_start_does_not_touch_the_live_tree(self):
        server = self.serve()
        self.once()
        before = snapshot(self.root / ".worktrees" / self.first)
        for _ in range(2):
            sync = self.started()
            wait_until(sync.ready, "it is ready")
            self.passes(sync, 3)
            self.assertEqual(self.fetches(sync), 0)
            sync.close()
        self.live_tree_is(before)
        server.close()


class Processes(SyncCase):
    """Every call of the program and its threads that could begin a process, as strace(1) sees it."""

    CALLS = "execve,execveat,?fork,?vfork,clone,clone3"

    def setUp(self):
        super().setUp()
        probe = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True)
        if probe.returncode:
            if UNDER_CI:
                raise AssertionError(f"strace: {probe.stderr}")
            self.skipTest(f"strace does not work here: {probe.stderr.strip()}")

    def traced(self, url, **options):
        trace = self.folder / "trace"
        sync = self.sync(url, link="current", environment={"ASAN_OPTIONS": "detect_leaks=0"}, **options)
        sync.wrapper = ["strace", "-f", "-qq", "-s", "256", "-o", trace, "-e", f"trace={self.CALLS}"]
        return sync, trace

    def begun(self, trace):
        """Without those that make a thread, and without the program itself."""
        lines = [line for line in trace.read_text().splitlines() if "(" in line and "CLONE_THREAD" not in line and "resumed>" not in line]
        self.assertIn("tidemark-sync", lines[0])
        return lines[1:]

    def test_no_process_is_started_over_any_transport(self):
        served = Folder()
        self.addCleanup(served.close)
        servers = [HttpBackend(self.folder.path), GitDaemon(self.folder.path), Sshd(served / "ssh")]
        for server in servers:
            self.addCleanup(server.close)
        http, daemon, sshd = servers
        keys = {"ssh_key_file": sshd.folder / "user", "ssh_known_hosts_file": sshd.known_hosts}
        consumer = self.consumer(200)
        for url, options in (
            (http.url("remote.git"), {}),
            (daemon.url("remote.git"), {}),
            (sshd.url(self.bare.path), keys),
            (f"{getpass.getuser()}@127.0.0.1:nowhere", keys),
            (f"file://{self.bare.path}", {}),
        ):
            with self.subTest(url):
                self.push(f"of {url}")
                sync, trace = self.traced(url, one_time=True, webhook_url=consumer.url, touch_file="touched", error_file="error", **options)
                code, said = sync.run()
                self.assertEqual(code, 1 if "nowhere" in url else 0, said)
                self.assertEqual(self.begun(trace), [])

    def test_no_process_is_started_while_it_polls_and_publishes(self):
        http = HttpBackend(self.folder.path)
        self.addCleanup(http.close)
        first = self.push("one")
        sync, trace = self.traced(http.url("remote.git"), period="20ms")
        self.running(sync)
        sync.wait_for(first)
        sync.wait_for(self.push("two"))
        self.passes(sync, 20)
        [child] = subprocess.run(["pgrep", "-P", str(sync.process.pid)], capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(child), 15)
        self.assertEqual(sync.process.wait(15), 0)
        self.assertEqual(self.begun(trace), [])

    def test_a_hook_is_the_only_process(self):
        self.push("one")
        sync, trace = self.traced(f"file://{self.bare.path}", one_time=True, exechook_command=self.script("exit 0"))
        self.assertEqual(sync.run()[0], 0)
        programs = [line for line in self.begun(trace) if "execve" in line]
        self.assertEqual(len([line for line in programs if f'"{self.folder}/hook"' in line]), 1, programs)
        self.assertEqual(len(programs), 1, programs)


if __name__ == "__main__":
    unittest.main()
