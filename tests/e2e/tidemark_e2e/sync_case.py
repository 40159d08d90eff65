"""A test case around tidemark-sync alone: a bare repository, the program, and what it leaves below its root."""

import json
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .client import request
from .environment import Folder, wait_until
from .git import Bare, File
from .processes import Sync
from .servers import HttpBackend


class Consumer:
    """An HTTP server that keeps what it is sent and answers as it is told: with each status once, then with the last one."""

    def __init__(self, *statuses):
        self.statuses, self.calls, self.lock = list(statuses) or [200], [], threading.Lock()
        consumer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with consumer.lock:
                    consumer.calls.append((self.command, {name.lower(): value for name, value in self.headers.items()}, body))
                    status = consumer.statuses.pop(0) if len(consumer.statuses) > 1 else consumer.statuses[0]
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hashes(self):
        with self.lock:
            return [headers["gitsync-hash"] for _, headers, _ in self.calls]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class SyncCase(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.close)
        self.bare = self.repository("remote")
        self.root = self.folder / "root"

    def repository(self, name):
        return Bare(self.folder / f"{name}.git")

    def url(self, bare):
        return f"file://{bare.path}"

    def _callTestMethod(self, method):
        try:
            method()
        except unittest.SkipTest:
            raise
        except BaseException:
            print(*(log.read_text(errors="replace")[-3000:] for log in self.folder.path.glob("*.log")), sep="\n", file=sys.stderr)
            raise

    @staticmethod
    def tree(text="content", **more):
        return {b"file": File(text.encode()), **{name.encode(): File(content.encode()) for name, content in more.items()}}

    def push(self, text="content", **more):
        """One more commit: a file named `file`, and the others that are given."""
        return self.bare.push(self.tree(text, **more))

    def sync(self, repo=None, **options):
        """A sync of the repository into the root with git-sync's defaults, not started."""
        return Sync(self.folder.path, repo or self.url(self.bare), **{"period": "100ms", "max_failures": None, **options})

    def started(self, **options):
        return self.running(self.sync(**options))

    def running(self, sync):
        """Started, and answering."""
        sync.start()
        self.addCleanup(sync.kill)
        self.addCleanup(sync.close)  # runs first
        wait_until(lambda: not sync.running() or sync.answers(), lambda: f"it answers\n{sync.tail()}")
        self.assertTrue(sync.running(), sync.tail())
        return sync

    def once(self, expected=0, **options):
        """One pass: what the program said."""
        code, said = self.sync(one_time=True, **options).run()
        self.assertEqual(code, expected, said)
        return said

    def script(self, text, name="hook"):
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o755)
        return path

    def lines(self, name):
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def wait_lines(self, name, count):
        return wait_until(lambda: len(self.lines(name)) >= count and self.lines(name), lambda: f"{count} lines in {name}: {self.lines(name)}")

    def read(self, name, root=None):
        return ((root or self.root) / name).read_text()

    def consumer(self, *statuses):
        consumer = Consumer(*statuses)
        self.addCleanup(consumer.close)
        return consumer

    def passes(self, sync, count):
        """Waits until so many more passes have ended: `never within them` is how a test says `never`."""
        ended = lambda: sum(value for name, value in self.metrics(sync).items() if name.startswith("git_sync_count_total"))
        until = ended() + count
        wait_until(lambda: ended() >= until, f"{count} more passes")

    def metrics(self, sync):
        answer = request(sync.port, "GET", "/metrics")
        self.assertEqual(answer.status, 200, answer.body)
        lines = [line for line in answer.body.decode().splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def status(self, sync):
        return json.loads(request(sync.port, "GET", "/status").body)

    def fetches(self, sync):
        return self.metrics(sync).get("git_fetch_count_total", 0)

    def follows(self, sync, commit, file, successes):
        """It publishes the commit, whose file says that, after so many successes since the start, each with one fetch; and nothing more follows."""
        sync.wait_for(commit)
        count = lambda: self.metrics(sync).get('git_sync_count_total{status="success"}', 0)
        wait_until(lambda: count() >= successes, lambda: f"{successes} successes\n{sync.tail()}")
        self.passes(sync, 2)
        self.assertEqual((sync.link / "file").read_text(), file)
        self.assertEqual((sync.published(), count(), self.fetches(sync)), (commit, successes, successes))


class ServedCase(SyncCase):
    """The same over smart HTTP with a login: git http-backend, one server for all tests of the class, a repository for each."""

    PASSWORD = "right-Secret"

    @classmethod
    def setUpClass(cls):
        cls.served = Folder()
        cls.addClassCleanup(cls.served.close)
        cls.server = HttpBackend(cls.served.path, "someone", cls.PASSWORD)
        cls.addClassCleanup(cls.server.close)
        (cls.served / "password").write_text(cls.PASSWORD)

    def repository(self, name):
        return Bare(self.served / f"{self._testMethodName}.{name}.git")

    def url(self, bare):
        return self.server.url(bare.path.name)

    def sync(self, repo=None, **options):
        return super().sync(repo, **{"username": "someone", "password_file": self.served / "password", **options})
