#!/usr/bin/env python3
"""git-sync's promises about logging in, black box: auth_* and github_https of its end-to-end suite."""

import getpass
import itertools
import os
import subprocess
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tidemark_e2e.environment import UNDER_CI, Folder, free_port, wait_until
from tidemark_e2e.servers import Authority, HttpBackend, Sshd
from tidemark_e2e.sync_case import ServedCase, SyncCase

WRONG = "wrong-Secret"


class Http(ServedCase):
    def sync(self, repo=None, **options):
        return super().sync(repo, **{"username": None, "password_file": None, **options})

    def refused(self, **options):
        said = self.once(expected=1, **options)
        self.assertFalse(os.path.lexists(self.root / "current"))
        self.assertNotIn("Secret", said)

    def taken(self, **options):
        self.assertNotIn("Secret", self.once(**options))
        self.assertEqual(self.read("current/file"), "content")

    def test_auth_http_password(self):
        self.push()
        for user, password in (("wrong", WRONG), ("someone", WRONG), ("wrong", self.PASSWORD)):
            self.refused(username=user, environment={"GITSYNC_PASSWORD": password})
        self.taken(username="someone", environment={"GITSYNC_PASSWORD": self.PASSWORD})

    def test_auth_http_password_in_url(self):
        self.push()
        for login in (f"wrong:{WRONG}@", f"someone:{WRONG}@", f"wrong:{self.PASSWORD}@"):
            self.refused(repo=self.server.url(self.bare.path.name, login), link="current")
        self.taken(repo=self.server.url(self.bare.path.name, f"someone:{self.PASSWORD}@"), link="current")

    def test_auth_http_password_file(self):
        self.push()
        password = self.folder / "password"
        for user, text in (("wrong", WRONG), ("someone", WRONG), ("wrong", self.PASSWORD)):
            password.write_text(text)
            self.refused(username=user, password_file=password)
        password.write_text(self.PASSWORD + "\n")
        self.taken(username="someone", password_file=password)

    def test_auth_password_file_reload(self):
        first = self.push("one")
        password = self.folder / "password"
        password.write_text(self.PASSWORD)
        server = HttpBackend(self.served.path, "someone", self.PASSWORD)
        self.addCleanup(lambda: server.close())
        sync = self.started(repo=server.url(self.bare.path.name), link="current", username="someone", password_file=password)
        sync.wait_for(first)
        port = server.port
        server.close()
        server = HttpBackend(self.served.path, "someone", "other-Secret", "--port", port)
        wait_until(
            lambda: "refuses the user 'someone' with the password from --password-file" in sync.log(),
            lambda: f"the old one is refused\n{sync.tail()}",
        )
        second = self.push("two")
        self.passes(sync, 2)
        self.assertEqual(sync.published(), first)
        (self.folder / "new").write_text("other-Secret")
        (self.folder / "new").rename(password)  # as Kubernetes replaces a Secret's file
        sync.wait_for(second)
        self.assertNotIn("Secret", sync.log())


class Helper:
    """What --askpass-url names: answers with one password after the other, or a status; the last one stays. None breaks the connection."""

    def __init__(self, *answers, port=0):
        self.answers, self.calls = itertools.chain(answers, itertools.repeat(answers[-1])), 0
        helper = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                helper.calls += 1
                answer = next(helper.answers)
                body = b"" if isinstance(answer, int) else f"username=someone\npassword={answer}\n".encode()
                self.send_response(answer if isinstance(answer, int) else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/git_askpass"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Askpass(Http):
    def helper(self, *answers, port=0):
        helper = Helper(*answers, port=port)
        self.addCleanup(helper.close)
        return helper

    def test_auth_askpass_url_wrong_password(self):
        self.push()
        self.refused(askpass_url=self.helper(WRONG).url)

    def test_auth_askpass_url_correct_password(self):
        self.push()
        self.taken(askpass_url=self.helper(self.PASSWORD).url)

    def follows_in_spite_of(self, helper_url, **more):
        first = self.push("one")
        sync = self.started(askpass_url=helper_url, max_failures=-1, **more)
        sync.wait_for(first)
        for text in ("two", "three"):
            sync.wait_for(self.push(text))
            self.assertEqual((sync.link / "file").read_text(), text)
        self.assertNotIn("Secret", sync.log())
        return sync

    def test_auth_askpass_url_sometimes_wrong(self):
        helper = self.helper(*[WRONG, self.PASSWORD] * 1000)
        self.follows_in_spite_of(helper.url)
        self.assertGreaterEqual(helper.calls, 2)

    def test_auth_askpass_url_flaky(self):
        helper = self.helper(*[503, self.PASSWORD] * 1000)
        sync = self.follows_in_spite_of(helper.url)
        self.assertGreaterEqual(helper.calls, 2)
        calls = {name: value for name, value in self.metrics(sync).items() if name.startswith("git_sync_askpass_calls")}
        self.assertEqual(sum(calls.values()), helper.calls)

    def test_auth_askpass_url_slow_start(self):
        port = free_port()
        first = self.push("one")
        sync = self.started(askpass_url=f"http://127.0.0.1:{port}/git_askpass", max_failures=-1)
        wait_until(lambda: self.metrics(sync).get('git_sync_count_total{status="error"}', 0) >= 2, "it tries again")
        self.helper(self.PASSWORD, port=port)
        sync.wait_for(first)


class Ssh(SyncCase):
    """A real sshd that lets in the third of three keys."""

    @classmethod
    def setUpClass(cls):
        cls.place = Folder()
        cls.addClassCleanup(cls.place.close)
        # user@host:path has no place for a port: port 22 of a loopback address of our own, which takes root.
        number = os.getpid()
        cls.address = f"127.{1 + number // 65536 % 200}.{number // 256 % 256}.{1 + number % 254}" if os.geteuid() == 0 else None
        cls.sshd = Sshd(cls.place / "ssh", cls.address)
        cls.addClassCleanup(cls.sshd.close)
        for name in ("secret.1", "secret.2"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.sshd.folder / name], check=True)

    def keyed(self, url, *names, **options):
        keys = [self.sshd.folder / name for name in names]
        return self.sync(url, one_time=True, link="current", ssh_key_file=keys, **{"ssh_known_hosts_file": self.sshd.known_hosts, **options}).run()

    def logs_in(self, url):
        self.push("one")
        code, said = self.keyed(url, "secret.2")
        self.assertEqual((code, os.path.lexists(self.root / "current")), (1, False), said)
        self.assertIn("secret.2", said)
        code, said = self.keyed(url, "secret.1", "secret.2", "user")
        self.assertEqual((code, self.read("current/file")), (0, "one"), said)
        self.push("two")
        code, said = self.keyed(url, "user", ssh_known_hosts_file=None, environment={"GITSYNC_SSH_KNOWN_HOSTS": "false"})
        self.assertEqual((code, self.read("current/file")), (0, "two"), said)

    def test_auth_ssh(self):
        if not self.address:
            if UNDER_CI:
                raise AssertionError("port 22 of a loopback address takes root")
            self.skipTest("port 22 of a loopback address takes root")
        self.logs_in(f"{getpass.getuser()}@{self.address}:{self.bare.path}")

    def test_auth_ssh_url(self):
        self.logs_in(self.sshd.url(self.bare.path))


class Certificates(SyncCase):
    """git-sync clones a public repository of github.com; here an https server whose authority the system is told to trust, as it does public ones."""

    def test_github_https(self):
        authority = Authority(self.folder.path)
        server = HttpBackend(self.folder.path, None, "", *authority.options())
        self.addCleanup(server.close)
        commit = self.push("one")
        url = server.url("remote.git")
        self.once(expected=1, repo=url, link="current")
        self.once(repo=url, link="current", environment={"SSL_CERT_FILE": str(authority.file)})
        self.assertEqual((self.read("current/file"), os.readlink(self.root / "current")), ("one", f".worktrees/{commit}"))


if __name__ == "__main__":
    unittest.main()
