#!/usr/bin/env python3
"""git-sync's promises about submodules, black box: submodule_sync_* of its end-to-end suite."""

import json
import os
import unittest

from git_sync_depth_test import fetches_in_part
from tidemark_e2e.git import SUBMODULE, File, git
from tidemark_e2e.servers import HttpBackend, Sshd
from tidemark_e2e.sync_case import ServedCase, SyncCase


def with_modules(text, **modules):
    """A tree with a file that says `text`, and submodules by their paths: (URL, commit)."""
    entries = "".join(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n' for path, (url, _) in modules.items())
    tree = {b"file": File(text.encode()), **{path.encode(): File(commit.encode(), SUBMODULE) for path, (_, commit) in modules.items()}}
    return tree if not modules else {**tree, b".gitmodules": File(entries.encode())}


class Submodules(ServedCase):
    def setUp(self):
        super().setUp()
        self.sub = self.repository("sub")
        self.nested = self.repository("nested")

    def chain(self, text="one"):
        """The nested one in `nested` of the submodule, and that in `sub` of the superproject; gives their commits."""
        nested = self.nested.push(with_modules(text))
        sub = self.sub.push(with_modules(text, nested=(self.url(self.nested), nested)))
        return self.bare.push(with_modules(text, sub=(self.url(self.sub), sub))), sub, nested

    def check(self, sync, commit, **files):
        """The commit is published, with these files; None: the folder is empty or not there."""
        sync.wait_for(commit)
        for path, text in files.items():
            place = sync.link / path
            if text is None:
                self.assertFalse(os.path.exists(place) and os.listdir(place), place)
            else:
                self.assertEqual((place / "file").read_text(), text)

    def test_submodule_sync_default(self):
        sync = self.started()
        self.check(sync, self.bare.push(with_modules("none")), sub=None)

        def push(text, sub):
            return self.bare.push(with_modules(text, sub=(self.url(self.sub), sub)))

        first = self.sub.push(with_modules("one"))
        self.check(sync, push("added", first), sub="one")
        second = self.sub.push(with_modules("two"))
        self.check(sync, push("changed", second), sub="two")
        self.check(sync, push("reverted", first), sub="one")
        nested = self.nested.push(with_modules("nested"))
        third = self.sub.push(with_modules("three", nested=(self.url(self.nested), nested)))
        self.check(sync, push("nested", third), sub="three", **{"sub/nested": "nested"})
        fourth = self.sub.push(with_modules("four"))
        self.check(sync, push("not nested", fourth), sub="four", **{"sub/nested": None})
        self.check(sync, self.bare.push(with_modules("removed")), sub=None)
        self.assertEqual(git("status", "--porcelain", cwd=sync.link), b"")

    def check_depth(self, sync, whole):
        for path in ("", "sub", "sub/nested"):
            with self.subTest(path=path):
                commits = git("rev-list", "HEAD", cwd=sync.link / path).split()
                self.assertEqual(len(commits), 1 if fetches_in_part() else whole)
                self.assertEqual((sync.link / path / "file").read_text(), (sync.link / "file").read_text())

    def test_submodule_sync_depth(self):
        first, _, _ = self.chain("one")
        sync = self.started(depth=1)
        self.check(sync, first, sub="one")
        self.check_depth(sync, 1)
        self.check(sync, self.chain("two")[0], sub="two")
        self.check_depth(sync, 2)
        self.bare.move(first)
        self.check(sync, first, sub="one")
        self.check_depth(sync, 1)

    def test_submodule_sync_off(self):
        commit, _, _ = self.chain()
        sync = self.started(submodules="off")
        self.check(sync, commit, sub=None)
        self.assertFalse((self.root / ".git/modules").exists())

    def test_submodule_sync_shallow(self):
        commit, _, _ = self.chain()
        sync = self.started(submodules="shallow")
        self.check(sync, commit, sub="one", **{"sub/nested": None})

    def test_submodule_sync_relative(self):
        nested = self.nested.push(with_modules("nested"))
        sub = self.sub.push(with_modules("sub", nested=(f"../{self.nested.path.name}", nested)))
        commit = self.bare.push(with_modules("own", sub=(f"./../{self.sub.path.name}", sub)))
        sync = self.started()
        self.check(sync, commit, sub="sub", **{"sub/nested": "nested"})

    def test_a_submodule_that_is_away_is_named_and_the_old_tree_stays_until_it_is_back(self):
        commit, _, _ = self.chain("one")
        sync = self.started()
        self.check(sync, commit, sub="one")
        away = self.sub.path.with_suffix(".away")
        sub = self.sub.push(with_modules("two"))
        self.sub.path.rename(away)
        second = self.bare.push(with_modules("two", sub=(self.url(self.sub), sub)))
        self.passes(sync, 2)
        self.assertIn("submodule 'sub'", sync.log())
        self.check(sync, commit, sub="one", **{"sub/nested": "one"})
        away.rename(self.sub.path)
        self.check(sync, second, sub="two", **{"sub/nested": None})


class Chain(SyncCase):
    """A superproject, its submodule and one in that, each behind a server of its own that takes no other's login."""

    def setUp(self):
        super().setUp()
        self.sub, self.nested = self.repository("sub"), self.repository("nested")

    def push_chain(self, text, urls):
        nested = self.nested.push(with_modules(text))
        sub = self.sub.push(with_modules(text, nested=(urls[2], nested)))
        return self.bare.push(with_modules(text, sub=(urls[1], sub)))

    def follows_chain(self, urls, **options):
        commit = self.push_chain("one", urls)
        sync = self.started(repo=urls[0], link="current", **options)
        for text in ("one", "two"):
            sync.wait_for(commit)
            for path in ("file", "sub/file", "sub/nested/file"):
                self.assertEqual((sync.link / path).read_text(), text)
            commit = self.push_chain("two", urls)

    def test_submodule_sync_over_ssh_different_keys(self):
        servers = [Sshd(self.folder / f"ssh{number}") for number in range(3)]
        for server in servers:
            self.addCleanup(server.close)
        known = self.folder / "known_hosts"
        known.write_text("".join(server.known_hosts.read_text() for server in servers))
        urls = [server.url(bare.path) for server, bare in zip(servers, (self.bare, self.sub, self.nested))]
        self.follows_chain(urls, ssh_key_file=[server.folder / "user" for server in servers], ssh_known_hosts_file=known)

    def test_submodule_sync_over_http_different_passwords(self):
        log = self.folder / "requests"
        servers = [HttpBackend(self.folder.path, f"user{number}", f"secret{number}", "--log", f"{log}{number}") for number in range(3)]
        for server in servers:
            self.addCleanup(server.close)
        urls = [server.url(bare.path.name) for server, bare in zip(servers, (self.bare, self.sub, self.nested))]
        credentials = [json.dumps({"url": urls[number], "username": f"user{number}", "password": f"secret{number}"}) for number in (1, 2)]
        password = self.folder / "password"
        password.write_text("secret0")
        self.follows_chain(urls, username="user0", password_file=password, credential=credentials)
        for number in range(3):
            logins = {json.loads(line)["login"] for line in (self.folder / f"requests{number}").read_text().splitlines()}
            self.assertEqual(logins - {""}, {f"user{number}:secret{number}"})


if __name__ == "__main__":
    unittest.main()
