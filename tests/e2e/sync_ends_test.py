#!/usr/bin/env python3
"""SIGTERM ends tidemark-sync within two seconds and with 0, whatever it is at; what is published stays."""

import os
import socket
import threading
import time
import unittest

from tidemark_e2e.environment import free_port, wait_until
from tidemark_e2e.git import File
from tidemark_e2e.servers import HttpBackend
from tidemark_e2e.sync_case import SyncCase

LIMIT = 2


class Silent:
    """Takes connections and never says a word."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                self.connections.append(self.socket.accept()[0])
            except OSError:
                return

    def asked(self):
        return len(self.connections)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            connection.close()


class Ends(SyncCase):
    def ends(self, sync, published=None):
        begun = time.monotonic()
        code = sync.stop()
        took = time.monotonic() - begun
        self.assertEqual(code, 0, sync.tail())
        self.assertLess(took, LIMIT, sync.tail())
        self.assertEqual(sync.published(), published)

    def silent(self):
        silent = Silent()
        self.addCleanup(silent.close)
        return silent

    def waiting(self, **options):
        """After the first publication."""
        commit = self.push("one")
        sync = self.started(**options)
        wait_until(lambda: sync.published() == commit, lambda: f"the first revision\n{sync.tail()}")
        return sync, commit

    def test_idle(self):
        self.ends(*self.waiting(period="1h"))

    def test_between_failures(self):
        sync = self.started(repo=f"file://{self.folder}/none", link="current", max_failures=-1, period="1h")
        wait_until(lambda: "sync failed" in sync.log(), "it fails")
        self.ends(sync)

    def test_in_a_fetch_over_http(self):
        self.push("one")
        for stage in ("refs", "pack"):
            with self.subTest(stage):
                http = HttpBackend(self.folder.path, None, "", "--hang", stage)
                self.addCleanup(http.close)
                sync = self.started(repo=http.url("remote.git"), link="current")
                self.assertEqual(http.process.stdout.readline(), "hanging\n")
                self.ends(sync)

    def test_in_a_connection_that_says_nothing(self):
        for scheme in ("git", "ssh", "http", "https"):
            with self.subTest(scheme):
                silent = self.silent()
                sync = self.started(repo=f"{scheme}://127.0.0.1:{silent.port}/remote.git", link="current", ssh_known_hosts_file=self.hosts())
                wait_until(silent.asked, lambda: f"it connects\n{sync.tail()}")
                self.ends(sync)

    def hosts(self):
        (self.folder / "hosts").write_text("")
        return self.folder / "hosts"

    def test_in_a_log_in(self):
        silent = self.silent()
        self.push("one")
        http = HttpBackend(self.folder.path, "someone", "word")
        self.addCleanup(http.close)
        sync = self.started(repo=http.url("remote.git"), link="current", askpass_url=f"http://127.0.0.1:{silent.port}/")
        wait_until(silent.asked, "it asks")
        self.ends(sync)

    def test_in_hooks_that_do_not_end(self):
        hook = self.script(f'trap "" TERM INT HUP; echo $$ >> {self.folder}/began; while :; do sleep 1000; done')
        sync, commit = self.waiting(exechook_command=hook, exechook_timeout="1h")
        pid = int(self.wait_lines("began", 1)[0])
        self.ends(sync, commit)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "its program is gone")

    def test_in_a_pre_publish_hook(self):
        hook = self.script(f'trap "" TERM; echo $$ >> {self.folder}/began; while :; do sleep 1000; done')
        self.push("one")
        sync = self.started(pre_publish_exechook_command=hook, pre_publish_exechook_timeout="1h")
        self.wait_lines("began", 1)
        self.ends(sync)

    def test_in_a_webhook(self):
        silent = self.silent()
        sync, commit = self.waiting(webhook_url=f"http://127.0.0.1:{silent.port}/", webhook_timeout="1h")
        wait_until(silent.asked, "it is called")
        self.ends(sync, commit)

    def test_in_the_pause_after_a_failed_webhook(self):
        sync, commit = self.waiting(webhook_url=self.consumer(500).url, webhook_backoff="1h")
        wait_until(lambda: "webhook failed" in sync.log(), "it fails")
        self.ends(sync, commit)

    def test_in_a_publication(self):
        tree = {b"%d/%d" % (number % 100, number): File(b"%d\n" % number) for number in range(30_000)}
        commit = self.bare.push(tree)
        sync = self.sync(link="current").start()
        self.addCleanup(sync.kill)
        trees = self.root / ".worktrees"
        wait_until(lambda: sync.published() or (trees.exists() and os.listdir(trees)), lambda: f"it makes a tree\n{sync.tail()}", pause=0.0005)
        begun = time.monotonic()
        self.assertEqual(sync.stop(), 0, sync.tail())
        self.assertLess(time.monotonic() - begun, LIMIT)
        self.assertIn(sync.published(), (None, commit))
        sync.start()
        sync.wait_for(commit)
        self.assertEqual(sum(len(files) for folder, _, files in os.walk(sync.link.resolve()) if ".git" not in folder), 30_001)
        self.ends(sync, commit)

    def test_while_clients_dawdle(self):
        self.push("one")
        port = free_port()
        sync = self.started(listen=f"127.0.0.1:{port}", listen_repo="https://git.example/r", period="1h")
        wait_until(sync.ready, "it is ready")
        commit = sync.published()
        clients = [socket.create_connection(("127.0.0.1", each)) for each in (port, sync.port) for _ in range(3)]
        for number, client in enumerate(clients):
            client.sendall((b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n1")[number % 3])
        self.assertEqual(sync.hint().status, 200)
        self.ends(sync, commit)
        for client in clients:
            client.close()

    def test_more_than_once_and_by_sigint(self):
        sync, commit = self.waiting(period="1h")
        sync.process.send_signal(2)
        sync.process.terminate()
        self.ends(sync, commit)


if __name__ == "__main__":
    unittest.main()
