#!/usr/bin/env python3
"""docs/git-sync.md's table of flags against the program, and git-sync's spellings as a user meets them."""

import re
import subprocess
import unittest

from tidemark_e2e.environment import PROJECT, binary
from tidemark_e2e.git import File
from tidemark_e2e.sync_case import SyncCase

# Every flag of kubernetes/git-sync v4 (its --help, and the hidden deprecated ones).
FLAGS = """
repo ref depth filter submodules sparse-checkout-file root link stale-worktree-timeout touch-file error-file group-write
webhook-url webhook-method webhook-success-status webhook-timeout webhook-backoff exechook-command exechook-timeout exechook-backoff
pre-publish-exechook-command pre-publish-exechook-timeout pre-publish-exechook-backoff
username password-file credential ssh-key-file ssh-known-hosts ssh-known-hosts-file cookie-file askpass-url
github-base-url github-app-application-id github-app-client-id github-app-installation-id github-app-private-key-file add-user
http-bind http-metrics http-pprof period init-period sync-timeout one-time max-failures init-max-failures sync-on-signal
git git-config git-config-add git-gc verbose version help man
branch rev dest wait timeout max-sync-failures sync-hook-command password ssh change-permissions
""".split()
# What asks for something.
VALUES = {
    "http-pprof": "true",
}
PRINTS_AND_ENDS = ("version", "help", "man")
DEPRECATED = {
    "branch": "main",
    "rev": "main",
    "dest": "other",
    "wait": "1",
    "timeout": "60",
    "max-sync-failures": "2",
    "sync-hook-command": "true",
    "password": "p",
    "ssh": None,
}


def table():
    text = (PROJECT / "docs/git-sync.md").read_text()
    rows = re.search(r"<!-- flags -->\n(.*?)<!-- end -->", text, re.DOTALL)[1].splitlines()[2:]
    return {match[1]: match[2] for match in (re.match(r"\| `--([a-z-]+)` \| (same|better|refused) \| .*\|$", row) for row in rows)}


def run(*arguments, environment=None):
    done = subprocess.run(
        [binary("tidemark-sync"), *arguments], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **(environment or {})}, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.table = table()
        cls.known = set(re.findall(r"^\| `--([a-z-]+)", run("--help=markdown")[1], re.MULTILINE))

    def test_every_flag_of_git_sync_has_one_row(self):
        self.assertEqual(sorted(self.table), sorted(FLAGS))

    def test_what_is_refused_is_so_as_a_flag_and_as_a_variable_with_a_reason(self):
        for flag in (flag for flag, here in self.table.items() if here == "refused"):
            variable = "GITSYNC_" + flag.replace("-", "_").upper()
            for arguments, environment, name in (
                ([f"--{flag}={VALUES.get(flag, 'x')}"], {}, f"--{flag}"),
                ([], {variable: VALUES.get(flag, "x")}, variable),
            ):
                with self.subTest(name):
                    code, _, said = run("--repo=r", "--root=/nonexistent", *arguments, environment=environment)
                    self.assertEqual(code, 2, said)
                    self.assertRegex(said, f"{name}: .{{20,}}")
                    self.assertNotIn("no such", said)
                    self.assertNotIn(flag, self.known)

    def test_what_is_the_same_or_better_is_known(self):
        for flag in (flag for flag, here in self.table.items() if here != "refused"):
            with self.subTest(flag):
                if flag in PRINTS_AND_ENDS:
                    code, out, said = run(f"--{flag}")
                    self.assertEqual((code, said), (0, ""))
                    self.assertIn("tidemark-sync", out)
                elif flag == "add-user" or flag in DEPRECATED:
                    self.assertNotIn(flag, self.known)
                else:
                    self.assertIn(flag, self.known)

    def test_nothing_is_known_that_no_table_names(self):
        ours = {"config", "checkout", "stale-after", "log-format", "log-level", "ca-file", "client-cert-file", "client-key-file"}
        ours |= {"listen", "listen-secret-file", "listen-repo"}
        ours |= {"max-stale-worktrees", "share-files", "sweep-period"}
        self.assertEqual(self.known - set(self.table) - ours, set())


class Spellings(SyncCase):
    def test_each_deprecated_flag_works_with_one_line_that_names_the_new_one(self):
        commit = self.push()
        for flag, value in DEPRECATED.items():
            with self.subTest(flag):
                options = {flag.replace("-", "_"): True if value is None else value, "link": None if flag == "dest" else "current"}
                said = self.once(**options, **({"username": "u"} if flag == "password" else {}))
                self.assertEqual(
                    len([line for line in said.splitlines() if f"--{flag}" in line and (" deprecated" in line or "not needed" in line)]), 1, said
                )
                self.assertTrue((self.root / ("other" if flag == "dest" else "current") / "file").exists())
        self.assertTrue(commit)

    def test_the_environment_of_a_helm_chart_with_both_spellings(self):
        self.bare.commit({b"file": File(b"from the branch")}, ref="refs/heads/side")
        self.push("from main")
        both = {
            "GIT_SYNC_REPO": f"file://{self.bare.path}",
            "GITSYNC_REPO": f"file://{self.bare.path}",
            "GIT_SYNC_REF": "main",
            "GITSYNC_REF": "main",
            "GIT_SYNC_REV": "HEAD",
            "GIT_SYNC_BRANCH": "side",
            "GIT_SYNC_ROOT": str(self.root),
            "GITSYNC_ROOT": "/nonexistent",
            "GIT_SYNC_DEST": "repo",
            "GITSYNC_LINK": "elsewhere",
            "GIT_SYNC_DEPTH": "1",
            "GIT_SYNC_ONE_TIME": "true",
            "GIT_SYNC_WAIT": "5",
            "GITSYNC_PERIOD": "5s",
            "GIT_SYNC_ADD_USER": "true",
            "GITSYNC_ADD_USER": "true",
            "GIT_SYNC_MAX_SYNC_FAILURES": "0",
        }
        code, _, said = run(environment=both)
        self.assertEqual(code, 0, said)
        self.assertEqual(self.read("repo/file"), "from the branch")
        for name in ("GIT_SYNC_REPO", "GIT_SYNC_BRANCH", "GIT_SYNC_DEST", "GIT_SYNC_WAIT"):
            self.assertIn(f"{name} is deprecated", said)

    def test_misspelt_variables_are_refused_with_the_nearest_name(self):
        code, _, said = run("--repo=r", "--root=/nonexistent", environment={"GITSYNC_MAX_FAILURE": "3", "GITSYNC_EXECHOOK_COMAND": "x"})
        self.assertEqual(code, 2)
        self.assertIn("GITSYNC_MAX_FAILURES", said)
        self.assertIn("GITSYNC_EXECHOOK_COMMAND", said)

    def test_additional_git_configs(self):
        self.push()
        said = self.once(git_config=r'''safe.directory:*,"gc.auto":"0",user.name:"A \"B\", C"''', git_config_add=["pack.threads:1"])
        self.assertIn("safe.directory", said)
        said = self.once(expected=2, git_config="http.proxy:http://proxy", git_config_add=["core.sshCommand:ssh -v"])
        self.assertIn("HTTPS_PROXY", said)
        self.assertIn("--ssh-key-file", said)

    def test_a_password_on_the_command_line_is_soon_not_in_the_process_list(self):
        self.push()
        sync = self.started(username="u", password="the-secret")
        with open(f"/proc/{sync.process.pid}/cmdline", "rb") as arguments:
            self.assertNotIn(b"the-secret", arguments.read())
        self.assertNotIn("the-secret", sync.log())


if __name__ == "__main__":
    unittest.main()
