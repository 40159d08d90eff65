#!/usr/bin/env python3
"""tidemark-sync over http(s), alone: servers that hang, lie and come back, certificates, proxies, and every way to log in, whose secrets change while it runs."""

import json
import time
import unittest

from tidemark_e2e.complaints import complaints
from tidemark_e2e.environment import Folder, free_port, json_lines, wait_until
from tidemark_e2e.git import Bare, File
from tidemark_e2e.processes import Sync
from tidemark_e2e.servers import Authority, ForwardProxy, HttpBackend


class HttpRemote(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.close)
        self.served = self.folder / "served"
        self.served.mkdir()
        self.bare = Bare(self.served / "r.git")
        self.pushes = 0
        self.log = self.folder / "requests"
        self.tip = self.push()

    def push(self):
        self.pushes += 1
        self.tip = self.bare.push({b"%d.txt" % number: File(b"%d of push %d\n" % (number, self.pushes)) for number in range(20)})
        return self.tip

    def serve(self, *more, user=None, password=""):
        server = HttpBackend(self.served, user, password, "--log", self.log, *more)
        self.addCleanup(server.close)
        return server

    def sync(self, url, environment=None, **options):
        options = {"period": "50ms", "webhook_url": None, "http_bind": None, **options}
        sync = Sync(self.folder / f"sync{free_port()}", url, environment=environment, **options)
        sync.log_file.parent.mkdir()
        self.addCleanup(sync.kill)
        return sync

    def requests(self, since=0):
        return json_lines(self.log)[since:]

    def complains(self, sync, *words):
        """A new complaint with one of the words."""
        before = len(complaints(sync.log()))
        fresh = lambda: [line for line in complaints(sync.log())[before:] if any(word in line for word in words)]
        return wait_until(fresh, lambda: f"a complaint with one of {words}\n{sync.tail()}")[0]

    def once(self, sync, code=0, *words):
        got, said = sync.run()
        self.assertEqual(got, code, said[-3000:])
        for word in words:
            self.assertIn(word, said)
        if code == 0:
            self.assertEqual(sync.published(), self.tip)
        return said

    def test_idle_polls_are_one_request_each_on_one_connection(self):
        server = self.serve()
        sync = self.sync(server.url("r.git")).start()
        sync.wait_for(self.tip)
        seen = len(self.requests())
        wait_until(lambda: len(self.requests()) >= seen + 20, "twenty polls")
        polls = self.requests(seen)
        self.assertEqual({(poll["method"], poll["path"], poll["protocol"]) for poll in polls}, {("POST", "/r.git/git-upload-pack", "version=2")})
        self.assertEqual({request["connection"] for request in self.requests()}, {1})
        sync.wait_for(self.push())
        sync.close()

    def test_a_server_with_bad_days_costs_nothing_but_time(self):
        port = free_port()
        days = [
            ["--hang", "refs"],
            ["--hang", "pack"],
            ["--trickle", "pack"],
            ["--cut", "refs"],
            ["--cut", "pack"],
            ["--garbage", "refs"],
            ["--garbage", "pack"],
            ["--status", "401"],
            ["--status", "403"],
            ["--status", "500"],
            ["--status", "200", "--type", "text/html"],
            ["--status", "200", "--type", "application/x-git-upload-pack-advertisement", "--body", "0000"],
        ]
        server = self.serve("--port", str(port))
        sync = self.sync(server.url("r.git"), sync_timeout="1s").start()
        sync.wait_for(self.tip)
        for day in days:
            with self.subTest(day=day):
                server.close()
                published, _ = self.tip, self.push()
                server = self.serve("--port", str(port), *day)
                self.complains(sync, f"127.0.0.1:{port}")
                self.assertEqual(sync.published(), published)
                server.close()
                server = self.serve("--port", str(port))
                sync.wait_for(self.tip)
                self.assertTrue((sync.link / "19.txt").read_text().endswith(f"push {self.pushes}\n"))
        self.assertEqual(sync.stop(), 0)
        left = [path.name for path in (sync.root / ".git").rglob("*") if path.name.startswith(("pack_git2", "tmp_")) or path.suffix == ".lock"]
        self.assertEqual(left, [])

    def test_a_fetch_that_hangs_ends_at_its_limit_and_with_sigterm_at_once(self):
        for stage in ("refs", "pack"):
            with self.subTest(stage=stage):
                server = self.serve("--hang", stage)
                begun = time.monotonic()
                self.once(self.sync(server.url("r.git"), one_time=True, max_failures=None, sync_timeout="500ms"), 1, "500ms")
                self.assertLess(time.monotonic() - begun, 4)
                sync = self.sync(server.url("r.git"), sync_timeout="10m").start()
                seen = len(self.requests())
                wait_until(lambda: len(self.requests()) >= seen + (1 if stage == "refs" else 3), "it hangs")
                begun = time.monotonic()
                self.assertEqual(sync.stop(), 0)
                self.assertLess(time.monotonic() - begun, 3)

    def test_a_private_authority_is_trusted_by_its_file_alone(self):
        authority = Authority(self.folder.path)
        server = self.serve(*authority.options())
        once = {"one_time": True, "max_failures": None}
        self.once(self.sync(server.url("r.git"), **once), 1, "is not trusted", "--ca-file")
        self.once(self.sync(server.url("r.git"), ca_file=authority.file, **once))
        for variable in ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "GITSYNC_CA_FILE"):
            self.once(self.sync(server.url("r.git"), environment={variable: str(authority.file)}, **once))

    def test_proxies_of_the_environment(self):
        authority = Authority(self.folder.path)
        proxy = ForwardProxy("--user", "someone", "--password", "proxy-Secret")
        self.addCleanup(proxy.close)
        once = {"one_time": True, "max_failures": None, "ca_file": authority.file}
        place = f"127.0.0.1:{proxy.port}"
        for server, variable, method in ((self.serve(), "http_proxy", "GET"), (self.serve(*authority.options()), "HTTPS_PROXY", "CONNECT")):
            url = server.url("r.git", host="git.invalid")
            said = self.once(self.sync(url, environment={variable: f"http://someone:proxy-Secret@{place}"}, **once))
            self.assertNotIn("Secret", said)
            request = proxy.next_request()
            self.assertEqual((request[0], request[2]), (method, "someone:proxy-Secret"))
            said = self.once(self.sync(url, environment={variable: f"http://someone:wrong-Secret@{place}"}, **once), 1, "407")
            self.assertNotIn("Secret", said)
            self.drain(proxy, "someone:wrong-Secret")
            self.once(self.sync(url, environment={variable: f"http://someone:proxy-Secret@{place}", "no_proxy": "git.invalid"}, **once), 1, "look up git.invalid")

    @staticmethod
    def drain(proxy, login):
        while proxy.next_request()[2] != login:
            pass

    def test_credentials_by_url(self):
        server = self.serve(user="someone", password="right-Secret")
        password = self.folder / "password"
        password.write_text("right-Secret\n")
        place = f"http://127.0.0.1:{server.port}"
        entry = lambda **more: json.dumps({"username": "someone", **more})
        elsewhere = entry(url="https://elsewhere.example", password="other-Secret")
        once = {"one_time": True, "max_failures": None}
        self.once(self.sync(server.url("r.git"), credential=[elsewhere, entry(url=place, password="right-Secret")], **once))
        self.once(self.sync(server.url("r.git"), credential=entry(**{"url": f"{place}/r.git", "password-file": str(password)}), **once))
        both = f"[{elsewhere},{entry(url=place, password='right-Secret')}]"
        self.once(self.sync(server.url("r.git"), environment={"GITSYNC_CREDENTIAL": both}, **once))
        said = self.once(self.sync(server.url("r.git"), credential=elsewhere, **once), 1, "asks for a user and password")
        self.assertNotIn("Secret", said)
        self.assertNotIn("other-Secret", self.log.read_text())
        said = self.once(self.sync(server.url("r.git"), credential='{"url": "https://h", "password": "x-Secret"', **once), 2, "--credential", "not JSON")
        self.assertNotIn("Secret", said)

    def test_a_helper_that_is_asked_for_the_password(self):
        server = self.serve(user="someone", password="right-Secret")
        port = free_port()
        url = f"http://127.0.0.1:{port}/token"

        def helper(body, *more):
            answers = HttpBackend(self.served, None, "", "--port", str(port), "--body", body, "--status", *(more or ("200",)))
            self.addCleanup(answers.close)
            return answers

        once = {"one_time": True, "max_failures": None, "askpass_url": url}
        wrong, right = "username=someone\npassword=wrong-Secret\n", "username=someone\npassword=right-Secret\n"
        self.once(self.sync(server.url("r.git"), **once), 1, "--askpass-url")
        answers = helper(wrong)
        self.assertNotIn("Secret", self.once(self.sync(server.url("r.git"), **once), 1, "from --askpass-url"))
        answers.close()
        answers = helper(right)
        self.once(self.sync(server.url("r.git"), **once))
        self.once(self.sync(server.url("r.git"), environment={"GIT_ASKPASS_URL": url}, **{**once, "askpass_url": None}))
        answers.close()
        # It starts late, fails, says something wrong, and at last the right thing.
        sync = self.sync(server.url("r.git"), askpass_url=url).start()
        self.complains(sync, "--askpass-url")
        for body, status, words in (("", "503", "answers 503"), (wrong, "200", "from --askpass-url"), ("nothing", "200", "password=")):
            answers = helper(body, status)
            self.complains(sync, words)
            answers.close()
        answers = helper(right)
        sync.wait_for(self.tip)
        sync.wait_for(self.push())
        sync.close()
        self.assertNotIn("Secret", sync.log())

    def test_cookies(self):
        server = self.serve("--cookie", "o=right-Secret")
        cookies = self.folder / "cookies"
        line = "127.0.0.1\tFALSE\t/\tFALSE\t2147483647\to\t{}\n"
        cookies.write_text(line.format("wrong"))
        sync = self.sync(server.url("r.git"), environment={"GITSYNC_COOKIE_FILE": str(cookies)}).start()
        self.complains(sync, "403 Forbidden")
        cookies.write_text(line.format("right-Secret"))
        sync.wait_for(self.tip)
        sync.close()
        self.assertNotIn("Secret", sync.log())
        # git-sync's flag without a value names its own file.
        said = self.once(self.sync(server.url("r.git"), cookie_file=True, one_time=True, max_failures=None), 1, "/etc/git-secret/cookie_file")
        self.assertTrue(said)


if __name__ == "__main__":
    unittest.main()
