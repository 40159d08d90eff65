#!/usr/bin/env python3
"""GitHub Apps, black box: git-sync's auth_github_app_*, and tokens that expire, are withdrawn and are refused."""

import time
import unittest

from git_sync_submodules_test import with_modules
from tidemark_e2e.environment import json_lines, wait_until
from tidemark_e2e.git import Bare, File
from tidemark_e2e.github_api import AppKey, GithubApi, openssl
from tidemark_e2e.servers import HttpBackend
from tidemark_e2e.sync_case import SyncCase

TOKENS = 'git_sync_refresh_github_app_token_count{status="%s"}'


class GithubApp(SyncCase):

    def setUp(self):
        super().setUp()
        self.push("first")
        self.key = AppKey(self.folder.path)
        self.api = GithubApi(self.folder.path, self.key, "12")
        self.addCleanup(self.api.close)
        self.log = self.folder / "requests"
        http = HttpBackend(self.folder.path, "x-access-token", "", "--passwords", self.api.tokens_file, "--log", self.log)
        self.addCleanup(http.close)
        self.remote = http.url("remote.git")

    def options(self, **more):
        return {
            "repo": self.remote,
            "link": "current",
            "github_base_url": self.api.url,
            "github_app_application_id": 12,
            "github_app_installation_id": 34,
            "github_app_private_key_file": self.key.file,
            **more,
        }

    def fails(self, *words, **more):
        """One pass that fails with these words and without a secret."""
        said = self.once(expected=1, **self.options(**more))
        for word in words:
            self.assertIn(word, said)
        self.has_no_secret(said)
        return said

    def has_no_secret(self, text):
        for secret in (*self.key.secrets(), *self.api.tokens, *self.api.jwts):
            self.assertNotIn(secret, text)

    def logins(self):
        return [request["login"] for request in json_lines(self.log)]

    def test_auth_github_app_application_id(self):
        said = self.once(**self.options())
        self.assertEqual(self.read("current/file"), "first")
        self.assertEqual((len(self.api.tokens), self.api.problems), (1, []))
        self.assertEqual(set(self.logins()), {"", f"x-access-token:{self.api.tokens[0]}"})
        self.has_no_secret(said)

    def test_auth_github_app_client_id(self):
        self.api.issuer = "Iv23liABCDEF"
        self.once(**self.options(github_app_application_id=None, github_app_client_id="Iv23liABCDEF"))
        self.assertEqual(self.read("current/file"), "first")

    def test_the_key_may_be_in_the_environment(self):
        sync = self.sync(one_time=True, **self.options(github_app_private_key_file=None))
        sync.extra_environment = {"GITSYNC_GITHUB_APP_PRIVATE_KEY": self.key.file.read_text()}
        code, said = sync.run()
        self.assertEqual(code, 0, said)
        self.has_no_secret(said)

    def test_one_token_is_good_for_many_passes_and_another_is_asked_for_when_it_is_refused(self):
        sync = self.started(**self.options())
        wait_until(sync.ready, "it is ready")
        self.passes(sync, 5)
        self.assertEqual(len(self.api.tokens), 1)
        self.api.accept("ghs_another")
        commit = self.push("second")
        sync.wait_for(commit)
        self.passes(sync, 3)
        self.assertEqual(len(self.api.tokens), 2)
        metrics = self.metrics(sync)
        self.assertEqual((metrics[TOKENS % "success"], metrics[TOKENS % "error"]), (2, 0))
        self.assertNotIn('git_sync_count_total{status="error"}', metrics)
        self.has_no_secret(sync.log())

    def test_a_token_is_renewed_before_it_expires_by_githubs_clock(self):
        self.api.life, self.api.skew = 4, -50  # GitHub's clock is behind ours: by ours it has expired already
        sync = self.started(**self.options())
        wait_until(lambda: len(self.api.tokens) >= 3, "tokens are renewed")
        metrics = self.metrics(sync)
        self.assertNotIn('git_sync_count_total{status="error"}', metrics)
        self.assertLess(len(self.api.tokens), 20)

    def test_a_key_that_is_not_the_apps_and_one_that_takes_its_place(self):
        other = AppKey(self.folder.path, "other")
        right = self.key.file.read_text()
        self.key.file.write_text(other.file.read_text())
        sync = self.started(max_failures=-1, **self.options())
        wait_until(lambda: "401: it does not believe" in sync.log() and "could not be decoded" in sync.log(), lambda: f"it says why\n{sync.tail()}")
        wait_until(lambda: self.metrics(sync)[TOKENS % "error"] >= 1, "it is counted")
        self.key.file.write_text(right)
        wait_until(sync.ready, lambda: f"it is ready\n{sync.tail()}")
        self.has_no_secret(sync.log())
        for secret in other.secrets():
            self.assertNotIn(secret, sync.log())

    def test_what_is_wrong_is_said(self):
        self.fails("404", "--github-app-installation-id", github_app_installation_id=35)
        self.fails("401", "--github-app-application-id=13", "Integration must be valid", github_app_application_id=13)
        self.api.skew = -600
        said = self.fails("401", "clock", "ahead")
        self.assertRegex(said, r"clock is (59\d|60\d) s ahead")
        self.api.skew = 1200
        self.fails("401", "clock", "behind")
        self.api.skew = 0
        for status, word in ((403, "suspended"), (429, "too often"), (500, "500"), (302, "302")):
            self.api.status = status
            self.fails(word, "as asked for")
        self.api.status, self.api.body = 201, b"<html>"
        self.fails("without a token")
        self.api.body = {"token": "", "expires_at": "x"}
        self.fails("without a token")
        self.api.body = {"token": "ghs_x\nInjected: header"}
        self.fails("without a token")
        self.api.body = b"x" * 300_000
        self.fails("262144 bytes")
        self.api.status, self.api.body = 401, {"message": "not Secret"}
        self.fails("not Secret")

    def test_a_message_that_shows_what_was_sent_is_not_told(self):
        self.api.status = 400
        answer = self.api.answer
        self.api.answer = lambda handler: (400, {"message": "you sent " + handler.headers["Authorization"]}) if answer(handler) else None
        self.fails("answers 400")

    def test_keys_that_can_not_be_used(self):
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.folder / "ed25519")
        openssl("genrsa", "-aes128", "-passout", "pass:word", "-out", self.folder / "locked", "2048")
        (self.folder / "garbage").write_text("garbage")
        (self.folder / "empty").write_text("")
        for name, words in (("ed25519", "no RSA key"), ("locked", "passphrase"), ("garbage", "no private key"), ("empty", "no private key"), ("none", "none")):
            self.fails(words, github_app_private_key_file=self.folder / name)
        self.assertEqual(self.api.jwts, [])

    def test_an_api_that_hangs_ends_with_the_pass(self):
        self.api.hang = True
        self.fails("1s", sync_timeout="1s")

    def test_sigterm_ends_the_wait_for_a_token(self):
        self.api.hang = True
        sync = self.started(**self.options(sync_timeout="10m"))
        wait_until(lambda: self.api.asked, "it asks for a token")
        begun = time.monotonic()
        self.assertEqual(sync.stop(), 0)
        self.assertLess(time.monotonic() - begun, 2)

    def test_one_token_is_good_for_submodules_of_the_same_host(self):
        sub = Bare(self.folder / "sub.git")
        commit = sub.push({b"file": File(b"of the submodule")})
        self.bare.push(with_modules("own", sub=("../sub.git", commit)))
        said = self.once(**self.options())
        self.assertEqual(self.read("current/sub/file"), "of the submodule")
        self.assertEqual(len(self.api.tokens), 1)
        self.has_no_secret(said)

    def test_the_token_goes_to_no_other_host(self):
        log = self.folder / "elsewhere"
        stranger = HttpBackend(self.folder.path, "someone", "word", "--log", log)
        self.addCleanup(stranger.close)
        # Another port is another origin.
        http = HttpBackend(self.folder.path, "x-access-token", "", "--passwords", self.api.tokens_file, "--redirect", stranger.url("").rstrip("/"))
        self.addCleanup(http.close)
        self.fails("asks for a user", repo=http.url("moved/remote.git"))
        self.assertEqual({request["login"] for request in json_lines(log)}, {""})
        self.assertEqual(self.api.tokens, [])

    def test_a_public_repository_needs_no_token(self):
        http = HttpBackend(self.folder.path)
        self.addCleanup(http.close)
        self.once(**self.options(repo=http.url("remote.git")))
        self.assertEqual(self.api.jwts, [])


if __name__ == "__main__":
    unittest.main()
