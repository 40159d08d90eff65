#!/usr/bin/env python3
"""--listen, black box: a real push to a real server, the webhook that git servers send for it, and the flip that does not wait for the poll."""

import json
import os
import socket
import time
import unittest

from tidemark_e2e.client import request
from tidemark_e2e.environment import free_port, wait_until
from tidemark_e2e.forges import FORGES, BitbucketCloud, BitbucketDataCenter, Forgejo, Gitea, Github, Gitlab, GitlabSigned
from tidemark_e2e.servers import HttpBackend
from tidemark_e2e.sync_case import SyncCase

# In GitLab's form, which every server takes.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Webhooks(SyncCase):
    def setUp(self):
        super().setUp()
        self.push("first")
        http = HttpBackend(self.folder.path)
        self.addCleanup(http.close)
        self.remote = http.url("remote.git")
        self.secrets = self.folder / "secrets"
        self.secrets.write_text(SECRET + "\n")
        self.port = free_port()

    def listening(self, **options):
        """Follows the repository and looks at it once an hour."""
        options = {"repo": self.remote, "period": "1h", "listen": f"127.0.0.1:{self.port}", "listen_secret_file": self.secrets, **options}
        sync = self.started(**options)
        # It is ready before its first pass is counted.
        wait_until(lambda: sync.ready() and self.ended(sync) == 1, lambda: f"the first pass\n{sync.tail()}")
        return sync

    def send(self, headers, body, path="/any/path"):
        answer = request(self.port, "POST", path, body=body, headers=headers)
        return answer.status, json.loads(answer.body)

    def events(self, sync, forge, outcome):
        return self.metrics(sync).get(f'tidemark_sync_push_events_total{{forge="{forge}",outcome="{outcome}"}}', 0)

    def ended(self, sync):
        return sum(value for name, value in self.metrics(sync).items() if name.startswith("git_sync_count_total"))

    def refused(self, status, result, *call, port=None):
        got, said = self.send(*call)
        self.assertEqual((got, said["result"]), (status, result), said)
        return said

    def test_a_push_is_published_at_once_whatever_server_tells_of_it(self):
        sync = self.listening()
        for forge in FORGES:
            with self.subTest(type(forge).__name__):
                commit = self.push(type(forge).__name__)
                before = self.events(sync, forge.name, "accepted")
                begun = time.monotonic()
                self.assertEqual(self.send(*forge.call(SECRET, self.remote, commit=commit))[0], 202)
                sync.wait_for(commit)
                self.assertLess(time.monotonic() - begun, 20)
                self.assertEqual(self.events(sync, forge.name, "accepted"), before + 1)

    def test_wrong_and_missing_signatures_are_refused_without_detail_and_counted(self):
        sync = self.listening()
        self.push("not told of")
        passes = self.ended(sync)
        for forge in FORGES:
            with self.subTest(type(forge).__name__):
                before = self.events(sync, forge.name, "unauthorized")
                headers, body = forge.call(OTHER, self.remote)
                bare, _ = forge.call(None, self.remote)
                signed = [] if isinstance(forge, Gitlab) and not isinstance(forge, GitlabSigned) else [(forge.call(SECRET, self.remote)[0], body + b" ")]
                calls = [(headers, body), (bare, body), *signed]
                for call in calls:
                    self.assertEqual(self.send(*call), (401, {"result": "unauthorized"}))
                self.assertEqual(self.events(sync, forge.name, "unauthorized"), before + len(calls))
        self.assertEqual(self.ended(sync), passes)
        self.assertEqual(sync.log().count("push event refused"), 1)
        self.assertNotIn("MfKQ9r8", sync.log())

    def test_secrets_are_read_again_when_their_file_changes_and_each_line_is_one(self):
        sync = self.listening()
        call = Github().call(OTHER, self.remote)
        self.refused(401, "unauthorized", *call)
        self.secrets.write_text(f"{SECRET}\n\n{OTHER}\r\n")
        self.refused(202, "accepted", *call)
        self.refused(202, "accepted", *Github().call(SECRET, self.remote))
        replaced = self.folder / "replaced"
        replaced.write_text(OTHER)
        os.replace(replaced, self.secrets)
        self.refused(202, "accepted", *call)
        self.refused(401, "unauthorized", *Github().call(SECRET, self.remote))
        self.secrets.unlink()
        self.refused(503, "error", *call)
        self.secrets.write_text("")
        self.refused(503, "error", *call)
        self.secrets.write_text(OTHER)
        self.refused(202, "accepted", *call)
        self.assertIn("secrets", sync.log())

    def test_other_repositories_and_refs_are_ignored_in_words(self):
        sync = self.listening()
        passes = self.ended(sync)
        for forge in FORGES:
            with self.subTest(type(forge).__name__):
                other = self.remote.replace("remote.git", "other.git")
                self.assertIn("repository", self.refused(200, "ignored", *forge.call(SECRET, other))["reason"])
                self.assertIn("ref", self.refused(200, "ignored", *forge.call(SECRET, self.remote, ref="refs/heads/side"))["reason"])
                self.assertIn("ref", self.refused(200, "ignored", *forge.call(SECRET, self.remote, ref="refs/tags/v1"))["reason"])
        for forge, event in ((Github(), "issues"), (Gitea(), "create"), (Forgejo(), "repository"), (BitbucketCloud(), "pullrequest:created")):
            self.refused(200, "ignored", *forge.call(SECRET, self.remote, event=event))
        self.refused(200, "ignored", *Gitlab().call(SECRET, self.remote, body=b'{"object_kind": "note"}', event="Note Hook"))
        self.assertEqual(self.ended(sync), passes)

    def test_head_is_the_default_branch_and_tags_are_followed(self):
        sync = self.listening(ref="HEAD")
        self.refused(200, "ignored", *Github().call(SECRET, self.remote, ref="refs/heads/side"))
        commit = self.push("to main")
        self.refused(202, "accepted", *Gitlab().call(SECRET, self.remote, commit=commit))
        sync.wait_for(commit)
        # Bitbucket does not say which branch is the default one.
        self.refused(202, "accepted", *BitbucketCloud().call(SECRET, self.remote, ref="refs/heads/side"))

    def test_pings_are_answered(self):
        sync = self.listening()
        for forge in (Github(), BitbucketDataCenter()):
            headers, body = forge.call(SECRET, self.remote, event=forge.ping, body=b'{"zen": "Design for failure.", "test": true}')
            self.refused(200, "ping", headers, body)
        # Data Center does not sign its test; nothing follows from it.
        headers, body = BitbucketDataCenter().call(None, self.remote, event="diagnostics:ping", body=b'{"test": true}')
        self.refused(200, "ping", headers, body)
        self.refused(401, "unauthorized", *Github().call(None, self.remote, event="ping"))
        self.refused(401, "unauthorized", *BitbucketDataCenter().call(OTHER, self.remote, event="diagnostics:ping"))
        self.assertEqual(self.events(sync, "github", "ping"), 1)
        self.assertEqual(request(self.port, "GET", "/healthz").status, 200)

    def test_what_is_not_understood_is_400(self):
        sync = self.listening()
        self.refused(400, "malformed", {"Content-Type": "application/json"}, b"{}")
        for body in (b"", b"{", b"ref=main", b"[" * 100000, b'{"ref": "\xff"}'):
            for forge in (Github(), Gitlab(), BitbucketCloud()):
                self.refused(400, "malformed", *forge.call(SECRET, self.remote, body=body))
        self.assertEqual(request(self.port, "GET", "/").status, 405)
        self.assertEqual(self.events(sync, "unknown", "malformed"), 1)
        self.assertEqual(self.events(sync, "github", "malformed"), 5)

    def test_a_burst_makes_one_pass_at_once_and_few_more(self):
        sync = self.listening()
        passes = self.ended(sync)
        begun = time.monotonic()
        for number in range(100):
            commit = self.push(f"number {number}") if number % 25 == 0 or number == 99 else commit
            self.refused(202, "accepted", *Github().call(SECRET, self.remote, commit=commit))
        took = time.monotonic() - begun
        sync.wait_for(commit)
        # One at once, one for the rest; on a slow machine one in each further second.
        wait_until(lambda: self.ended(sync) > passes, "a pass is counted")
        self.assertLessEqual(self.ended(sync) - passes, 2 + int(took))

    def test_a_call_that_is_repeated_changes_nothing(self):
        sync = self.listening()
        first = sync.published()
        call = Github().call(SECRET, self.remote, commit=first)
        commit = self.push("newer")
        self.refused(202, "accepted", *call)
        sync.wait_for(commit)
        fetches = self.metrics(sync)["git_fetch_count_total"]
        for _ in range(3):
            passes = self.ended(sync)
            self.refused(202, "accepted", *call)
            wait_until(lambda: self.ended(sync) > passes, "a pass")
        self.assertEqual((sync.published(), self.metrics(sync)["git_fetch_count_total"]), (commit, fetches))

    def test_large_bodies_and_slow_clients_are_bounded(self):
        sync = self.listening()
        headers, _ = Github().call(SECRET, self.remote)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nX-GitHub-Event: push\r\nContent-Length: 4194305\r\n\r\n")
            self.assertIn(b" 413 ", connection.recv(4096).split(b"\r\n")[0])
        large = json.dumps({**Github().payload(self.remote, "refs/heads/main", "0"), "commits": ["x" * 1000] * 3000}).encode()
        self.refused(202, "accepted", *Github().call(SECRET, self.remote, body=large))
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"x" * 1000) for i in range(40)))
            wait_until(lambda: self.ends(connection), "the head is refused")
        slow = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(4)]
        try:
            for connection in slow:
                connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nX-GitHub-Event: push\r\nContent-Length: 100\r\n\r\n{")
            commit = self.push("meanwhile")
            self.refused(202, "accepted", *Github().call(SECRET, self.remote, commit=commit))
            sync.wait_for(commit)
            for connection in slow:
                connection.settimeout(30)
                self.assertIn(b" 400 ", connection.recv(4096).split(b"\r\n")[0])
        finally:
            for connection in slow:
                connection.close()

    @staticmethod
    def ends(connection):
        connection.settimeout(20)
        try:
            return connection.recv(4096).split(b"\r\n")[0].split(b" ")[1].startswith(b"4")
        except ConnectionError:
            return True

    def test_on_loopback_alone_no_secret_is_needed_and_web_pages_are_refused(self):
        sync = self.listening(listen_secret_file=None)
        commit = self.push("unsigned")
        headers, body = Github().call(None, self.remote)
        for foreign in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            self.assertEqual(request(self.port, "POST", "/", body=body, headers={**headers, **foreign}).status, 403)
        self.refused(202, "accepted", headers, body)
        sync.wait_for(commit)
        self.assertIn("--listen-secret-file", self.once(expected=2, repo=self.remote, listen=f"0.0.0.0:{self.port}"))
        self.assertIn("--listen-secret-file", self.once(expected=2, repo=self.remote, listen=f":{self.port}"))

    def test_with_a_secret_it_may_have_any_name(self):
        self.listening()
        headers, body = Github().call(SECRET, self.remote)
        self.assertEqual(request(self.port, "POST", "/", body=body, headers={**headers, "Host": "hooks.example"}).status, 202)

    def test_what_can_not_work_is_said_at_the_start(self):
        code, said = self.sync(repo=self.remote, listen=f"127.0.0.1:{self.port}", listen_secret_file=self.folder / "none").run()
        self.assertEqual(code, 2, said)
        self.assertIn("none", said)
        code, said = self.sync(listen=f"127.0.0.1:{self.port}").run()
        self.assertEqual(code, 2, said)
        self.assertIn("--listen-repo", said)
        with socket.create_server(("127.0.0.1", self.port)):
            code, said = self.sync(repo=self.remote, listen=f"127.0.0.1:{self.port}").run()
        self.assertEqual(code, 2, said)
        self.assertIn(str(self.port), said)

    def test_another_name_of_the_repository_and_a_local_one(self):
        sync = self.listening(repo=f"file://{self.bare.path}", listen_repo=["https://git.example/team/docs.git", "git@other.example:docs"])
        for url in ("https://git.example/Team/Docs.git", "https://other.example/docs"):
            commit = self.push(url)
            self.refused(202, "accepted", *Github().call(SECRET, url, commit=commit))
            sync.wait_for(commit)
        self.refused(200, "ignored", *Github().call(SECRET, self.remote))

    def test_the_poll_stays_for_what_nobody_told(self):
        sync = self.listening(period="200ms")
        sync.wait_for(self.push("not told of"))

    def test_one_time_listens_to_nobody(self):
        self.once(repo=self.remote, link="current", listen=f"127.0.0.1:{self.port}")
        self.assertEqual(self.read("current/file"), "first")


if __name__ == "__main__":
    unittest.main()
