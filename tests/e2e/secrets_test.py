#!/usr/bin/env python3
"""No secret in the log, however much it says, nor in metrics, status, error file, process list, published files, or what hooks are given."""

import base64
import json
import os
import unittest
from urllib.parse import quote

from tidemark_e2e.client import request
from tidemark_e2e.environment import free_port, wait_until
from tidemark_e2e.forges import Github, Gitlab
from tidemark_e2e.github_api import AppKey, GithubApi
from tidemark_e2e.servers import HttpBackend
from tidemark_e2e.sync_case import SyncCase

# Each is looked for, whole and in the forms in which it travels.
PASSWORD = "pass-Word/with%40odd"
QUOTED = "pass-Word%2Fwith%2540odd"


def forms(secret):
    plain = secret.encode()
    logins = [base64.b64encode(user + b":" + plain) for user in (b"someone", b"x-access-token")]
    return {plain, quote(secret, safe="").encode(), *logins}


class Secrets(SyncCase):
    def setUp(self):
        super().setUp()
        self.commit = self.push("first")
        self.port = free_port()
        self.server = None
        self.secrets = [PASSWORD]
        self.hook = self.script(
            f"env > {self.folder}/seen; tr '\\0' '\\n' < /proc/$PPID/cmdline >> {self.folder}/seen; "
            f"tr '\\0' '\\n' < /proc/$PPID/environ >> {self.folder}/seen; echo hook-says-$GITSYNC_HASH"
        )

    def serve(self, user, *options):
        """Always on the same port."""
        if self.server:
            self.server.close()
        self.server = HttpBackend(self.folder.path, user, *options, "--port", str(self.port))
        self.addCleanup(self.server.close)
        return self.server.url("remote.git")

    def look(self, sync, moment):
        """All that can be seen of it."""
        seen = {"log": sync.log().encode()}
        for path in ("/metrics", "/status", "/", "/healthz"):
            seen[path] = request(sync.port, "GET", path).body
        for name in ("cmdline", "environ"):
            with open(f"/proc/{sync.process.pid}/{name}", "rb") as file:
                seen[name] = file.read()
        for folder, _, files in os.walk(self.root):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    seen[os.path.join(folder, name)] = file.read()
        if (self.folder / "seen").exists():
            seen["hook"] = (self.folder / "seen").read_bytes()
        for secret in self.secrets:
            for form in forms(secret):
                for place, content in seen.items():
                    self.assertNotIn(form, content, f"{moment}: {place}")
        return seen

    def tried(self, repo, right, wrong, environment=None, words=None, **options):
        """`wrong` makes the server refuse us, `right` lets us in."""
        wrong()
        options = {"link": "current", "log_level": "debug", "error_file": "error.json", "max_failures": -1, "exechook_command": self.hook, **options}
        sync = self.sync(repo=repo, **options)
        sync.extra_environment = environment or {}
        sync.options["repo"] = repo
        sync.start()
        self.addCleanup(sync.kill)
        self.addCleanup(sync.close)
        failed = lambda: sync.answers() and self.metrics(sync).get('git_sync_count_total{status="error"}', 0) >= 2 and (self.root / "error.json").exists()
        wait_until(failed, lambda: f"it fails\n{sync.tail()}")
        seen = self.look(sync, "while it fails")
        if words:
            self.assertIn(words.encode(), seen["log"])
        right()
        wait_until(lambda: sync.ready() and "exechook succeeded" in sync.log(), lambda: f"it succeeds\n{sync.tail()}")
        seen = self.look(sync, "after its success")
        self.assertIn(b"GITSYNC_HASH=" + self.commit.encode(), seen["hook"])
        self.assertIn(b"hook-says-" + self.commit.encode(), seen["log"])
        wrong()
        errors = self.metrics(sync)['git_sync_count_total{status="error"}']
        wait_until(lambda: self.metrics(sync)['git_sync_count_total{status="error"}'] > errors, "it fails again")
        self.look(sync, "when it fails again")
        return sync

    def both(self):
        return {
            "right": lambda: self.serve("someone", PASSWORD),
            "wrong": lambda: self.serve("someone", "another"),
        }

    def place(self, login=""):
        return f"http://{login}127.0.0.1:{self.port}/remote.git"

    def test_a_password_in_the_url_of_a_flag(self):
        self.tried(self.place(f"someone:{QUOTED}@"), **self.both())

    def test_a_password_in_the_url_of_a_variable(self):
        self.tried(None, **self.both(), environment={"GITSYNC_REPO": self.place(f"someone:{QUOTED}@")})

    def test_a_password_file(self):
        (self.folder / "password").write_text(PASSWORD + "\n")
        self.tried(self.place(), **self.both(), username="someone", password_file=self.folder / "password", words="password-file")

    def test_a_password_in_the_environment(self):
        self.tried(self.place(), **self.both(), username="someone", environment={"GITSYNC_PASSWORD": PASSWORD})

    def test_a_password_in_the_old_flag(self):
        self.tried(self.place(), **self.both(), username="someone", password=PASSWORD)

    def test_credentials_in_flags_and_variables(self):
        credential = json.dumps({"url": f"http://127.0.0.1:{self.port}", "username": "someone", "password": PASSWORD})
        self.tried(self.place(), **self.both(), credential=credential)

    def test_credentials_in_a_variable(self):
        credential = json.dumps([{"url": f"http://127.0.0.1:{self.port}", "username": "someone", "password": PASSWORD}])
        self.tried(self.place(), **self.both(), environment={"GITSYNC_CREDENTIAL": credential})

    def test_a_cookie_file(self):
        self.secrets = ["cookie-Value-1234"]
        (self.folder / "cookies").write_text(f"127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{self.secrets[0]}\n")
        right = lambda: self.serve(None, "", "--cookie", f"session={self.secrets[0]}")
        wrong = lambda: self.serve(None, "", "--cookie", "session=another")
        self.tried(self.place(), right, wrong, environment={"GITSYNC_COOKIE_FILE": str(self.folder / "cookies")})

    def test_askpass(self):
        self.secrets.append("query-Token-5678")
        helper = HttpBackend(self.folder.path, None, "", "--status", "200", "--body", f"username=someone\npassword={PASSWORD}\n")
        self.addCleanup(helper.close)
        url = f"http://127.0.0.1:{helper.port}/ask?token={self.secrets[1]}"
        self.tried(self.place(), **self.both(), askpass_url=url)

    def test_askpass_in_a_variable_and_one_that_fails(self):
        self.secrets.append("query-Token-5678")
        helper_port = free_port()
        servers = []

        def helper(status):
            for server in servers:
                server.close()
            body = f"username=someone\npassword={PASSWORD}\n"
            servers.append(HttpBackend(self.folder.path, None, "", "--status", status, "--body", body, "--port", str(helper_port)))
            self.addCleanup(servers[-1].close)

        def right():
            helper("200")
            self.serve("someone", PASSWORD)

        def wrong():
            helper("503")
            self.serve("someone", "another")

        url = f"http://someone:{QUOTED}@127.0.0.1:{helper_port}/ask?token={self.secrets[1]}"
        self.tried(self.place(), right, wrong, environment={"GITSYNC_ASKPASS_URL": url})

    def github_app(self, **how):
        key = AppKey(self.folder.path)
        api = GithubApi(self.folder.path, key, "12")
        self.addCleanup(api.close)
        self.secrets = key.secrets()

        def right():
            api.status = None
            self.serve("x-access-token", "", "--passwords", api.tokens_file)

        def wrong():
            api.status = 500
            api.accept("another")
            self.serve("x-access-token", "", "--passwords", api.tokens_file)
            self.secrets = [*key.secrets(), *api.tokens, *api.jwts]

        options = {"github_base_url": api.url, "github_app_application_id": 12, "github_app_installation_id": 34}
        environment = {"GITSYNC_GITHUB_APP_PRIVATE_KEY": key.file.read_text()} if how["by"] == "variable" else {}
        if how["by"] == "file":
            options["github_app_private_key_file"] = key.file
        sync = self.tried(self.place(), right, wrong, environment=environment, **options)
        self.secrets = [*key.secrets(), *api.tokens, *api.jwts]
        self.assertTrue(api.tokens)
        self.look(sync, "in the end")

    def test_a_github_app_by_a_file(self):
        self.github_app(by="file")

    def test_a_github_app_by_a_variable(self):
        self.github_app(by="variable")

    def test_the_secret_of_webhooks(self):
        self.secrets = ["webhook-Secret-9012", "wrong-Token-3456"]
        (self.folder / "secret").write_text(self.secrets[0])
        url = self.serve(None, "")
        listen = free_port()
        sync = self.started(repo=url, link="current", log_level="debug", listen=f"127.0.0.1:{listen}", listen_secret_file=self.folder / "secret")
        wait_until(sync.ready, "it is ready")
        for forge in (Github(), Gitlab()):
            for secret, status in zip(self.secrets, (202, 401)):
                headers, body = forge.call(secret, url)
                answer = request(listen, "POST", "/", headers=headers, body=body)
                self.assertEqual(answer.status, status)
                for each in self.secrets:
                    self.assertNotIn(each.encode(), answer.body)
        self.look(sync, "in the end")

    def test_a_password_in_the_url_of_the_webhook(self):
        consumer = self.consumer(500, 500, 200)
        url = consumer.url.replace("http://", f"http://someone:{QUOTED}@")
        sync = self.started(link="current", log_level="debug", webhook_url=url, webhook_backoff="1s")
        wait_until(lambda: "webhook delivered" in sync.log(), lambda: f"it is delivered\n{sync.tail()}")
        self.look(sync, "in the end")

    def test_settings_that_are_refused_show_no_secret(self):
        (self.folder / "empty").write_text("")
        for options in (
            {"repo": self.place(f"someone:{QUOTED}@"), "username": "someone", "password": PASSWORD},
            {"repo": f"ftp://someone:{QUOTED}@host/x"},
            {"repo": self.place(), "credential": json.dumps({"url": self.place(f"someone:{QUOTED}@"), "username": "u", "password": PASSWORD})},
            {"repo": self.place(), "credential": '{"url": "https://x", "username": "u", "password": "' + PASSWORD},
            {"repo": self.place(), "webhook_url": f"ftp://someone:{QUOTED}@host/x"},
            {"repo": self.place(), "listen": "127.0.0.1:0", "listen_repo": f"ftp://someone:{QUOTED}@host/x"},
            {"repo": self.place(), "github_base_url": f"https://someone:{QUOTED}@host/", "github_app_client_id": "x"},
        ):
            with self.subTest(options):
                said = self.once(expected=2, error_file="error.json", log_level="debug", link="current", **options)
                for form in forms(PASSWORD):
                    self.assertNotIn(form.decode(), said + self.read("error.json"))


if __name__ == "__main__":
    unittest.main()
