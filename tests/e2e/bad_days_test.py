#!/usr/bin/env python3
"""A remote's bad days, black box: refs that vanish, move and change their kind, repositories that are empty or renamed, redirects to strangers, and
trees that want to escape. Servers that hang, break off, send garbage or fail: http_remote_test.py and bad_remote_test.py; a ref that moves 1,000
times: live_tree_test.py."""

import os
import unittest
from pathlib import Path

from tidemark_e2e.environment import json_lines, wait_until
from tidemark_e2e.git import EXECUTABLE, SYMLINK, File, blob_id
from tidemark_e2e.servers import GitDaemon, HttpBackend
from tidemark_e2e.sync_case import ServedCase


class Refs(ServedCase):
    def errors(self, sync):
        return self.metrics(sync).get('git_sync_count_total{status="error"}', 0)

    def fails(self, sync):
        """Two more passes fail."""
        until = self.errors(sync) + 2
        wait_until(lambda: self.errors(sync) >= until, lambda: f"errors\n{sync.tail()}")

    def delete(self, ref):
        self.bare.git("update-ref", "-d", ref)

    def test_a_branch_that_vanishes_and_comes_back(self):
        first = self.push("one")
        sync = self.started()
        sync.wait_for(first)
        self.bare.move(first, "refs/heads/kept")
        self.delete("refs/heads/main")
        self.fails(sync)
        self.assertEqual((sync.published(), self.read("current/file")), (first, "one"))
        self.assertIn("no branch or tag 'main'", self.status(sync)["last_error"]["message"])
        second = self.push("two")
        sync.hint()
        sync.wait_for(second)

    def test_an_empty_repository_that_gets_its_first_commit(self):
        daemon = GitDaemon(self.served.path)
        self.addCleanup(daemon.close)
        for number, url in enumerate((self.server.url, daemon.url)):
            bare = self.repository(f"empty{number}")
            for ref in ("HEAD", "main"):
                with self.subTest(url=url(""), ref=ref):
                    sync = self.running(self.sync(url(bare.path.name), root=self.folder / f"root{number}{ref}", ref=ref, max_failures=-1))
                    self.fails(sync)
                    self.assertIn("no commits yet", sync.log())
                    self.assertFalse(sync.ready())
                    sync.wait_for(bare.push(self.tree(f"first for {ref}")))
                    sync.close()
                    bare.git("update-ref", "-d", "refs/heads/main")

    def test_a_default_branch_that_is_renamed(self):
        daemon = GitDaemon(self.served.path)
        self.addCleanup(daemon.close)
        for number, url in enumerate((self.server.url, daemon.url)):
            bare = self.repository(f"renamed{number}")
            first = bare.push(self.tree("one"))
            sync = self.running(self.sync(url(bare.path.name), root=self.folder / f"root{number}", ref=None))
            sync.wait_for(first)
            bare.git("branch", "-m", "main", "trunk")
            self.assertEqual(bare.git("symbolic-ref", "HEAD"), b"refs/heads/trunk\n")
            sync.wait_for(bare.push(self.tree("two"), ref="refs/heads/trunk"))
            bare.push(self.tree("somebody still pushes to the old name"))
            sync.wait_for(bare.push(self.tree("three"), ref="refs/heads/trunk"))
            self.assertEqual((sync.link / "file").read_text(), "three")
            sync.close()

    def test_a_tag_that_turns_into_a_branch_and_back(self):
        self.push("main")
        on_tag = self.bare.push(self.tree("tag"), ref="refs/tags/thing")
        sync = self.started(ref="thing")
        sync.wait_for(on_tag)
        self.delete("refs/tags/thing")
        self.fails(sync)
        self.assertEqual(self.read("current/file"), "tag")
        on_branch = self.bare.push(self.tree("branch"), ref="refs/heads/thing")
        sync.hint()
        sync.wait_for(on_branch)
        # Both at once: the tag, as git rev-parse has it.
        self.bare.git("tag", "-a", "-m", "again", "thing", on_tag)
        sync.wait_for(on_tag)
        self.assertEqual(self.bare.git("rev-parse", "thing^{}").decode().strip(), on_tag)

    def test_a_tag_of_a_tree_or_a_blob_is_refused_and_the_live_tree_stays(self):
        first = self.push("one")
        self.bare.git("tag", "thing", first)
        sync = self.started(ref="thing")
        sync.wait_for(first)
        for what in ("^{tree}", ":file"):
            self.bare.git("tag", "-f", "thing", first + what)
            self.fails(sync)
            self.assertEqual((sync.published(), self.read("current/file")), (first, "one"))
        self.bare.git("tag", "-f", "thing", self.push("two"))
        sync.hint()
        sync.wait_for(self.bare.tip())


class Redirects(ServedCase):
    """The repository moved to another host: whatever we know for the first one stays there."""

    def sync(self, repo=None, **options):
        return super().sync(repo, **{"username": None, "password_file": None, **options})

    def other_host(self, *more, user=None, password=""):
        log = self.folder / "requests"
        server = HttpBackend(self.served.path, user, password, "--log", log, *more)
        self.addCleanup(server.close)
        return server, lambda: json_lines(log)

    def moved(self, server):
        """A server of the first host's, whose repositories are said to be at the other one."""
        first = HttpBackend(self.served.path, "someone", self.PASSWORD, "--redirect", server.url("", host="localhost").rstrip("/"))
        self.addCleanup(first.close)
        return first.url(f"moved/{self.bare.path.name}", f"someone:{self.PASSWORD}@")

    def test_a_redirect_to_another_host_is_followed_without_a_credential(self):
        commit = self.push("one")
        server, requests = self.other_host()
        cookies = self.folder / "cookies"
        cookies.write_text("127.0.0.1\tFALSE\t/\tFALSE\t2147483647\to\tthe-Secret\n")
        self.once(repo=self.moved(server), link="current", environment={"GITSYNC_COOKIE_FILE": str(cookies)})
        self.assertEqual(os.readlink(self.root / "current"), f".worktrees/{commit}")
        self.assertTrue(requests())
        self.assertEqual({(request["login"], request["cookie"]) for request in requests()}, {("", "")})

    def test_a_redirect_to_another_host_that_asks_for_a_login_gets_none(self):
        self.push("one")
        server, requests = self.other_host(user="someone", password=self.PASSWORD)
        said = self.once(expected=1, repo=self.moved(server), link="current")
        self.assertNotIn("Secret", said)
        self.assertTrue(requests())
        self.assertEqual({request["login"] for request in requests()}, {""})
        self.assertFalse(os.path.lexists(self.root / "current"))


class Escapes(ServedCase):
    """Trees that git would not write, as a hostile server sends them; and those that are merely odd."""

    def object(self, kind, data):
        return self.bare.git("hash-object", "-w", "-t", kind, "--literally", "--stdin", data=data).decode().strip()

    def hostile(self, *entries):
        """A commit on main with a tree of these (mode, name, id), in this order, whatever git thinks of it."""
        tree = self.object("tree", b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries))
        self.bare.move(self.bare.git("commit-tree", "-p", self.bare.tip(), "-m", "hostile", tree).decode().strip())

    def test_a_path_that_escapes_is_refused_and_the_live_tree_stays(self):
        first = self.push("one")
        outside = self.folder / "outside"
        outside.mkdir()
        sync = self.started()
        sync.wait_for(first)
        blob = self.object("blob", b"[core]\n\tfsmonitor = touch /tmp/owned\n")
        folder = self.object("tree", b"100644 config\0" + bytes.fromhex(blob))
        link = self.object("blob", str(outside).encode())
        names = lambda: sorted(path for path in self.folder.path.rglob("*") if "/.git" not in str(path) and ".worktrees" not in str(path))
        before, config = names(), (self.root / ".git/config").read_bytes()
        for entries in (
            [("40000", b"..", folder)],
            [("100644", b"..", blob)],
            [("40000", b".", folder)],
            [("40000", b".git", folder)],
            [("100644", b".git", blob)],
            [("120000", b".git", link)],
            [("40000", b".GIT", folder)],
            [("40000", b"git~1", folder)],
            [("40000", ".g\u200cit".encode(), folder)],
            [("100644", b"../../outside/x", blob)],
            [("100644", b"/etc/x", blob)],
            [("120000", b"a", link), ("40000", b"a", folder)],
            [("40000", b"deep", self.object("tree", b"40000 ..\0" + bytes.fromhex(folder)))],
        ):
            with self.subTest(entries=entries):
                errors = self.metrics(sync).get('git_sync_count_total{status="error"}', 0)
                self.hostile(*entries)
                sync.hint()
                wait_until(
                    lambda: self.metrics(sync).get('git_sync_count_total{status="error"}', 0) > errors, lambda: f"it is refused\n{sync.tail()}"
                )
                self.assertEqual((sync.published(), self.read("current/file")), (first, "one"))
        self.assertNotIn("set aside", sync.log())  # there is nothing to repair by fetching it again
        self.assertEqual((names(), (self.root / ".git/config").read_bytes()), (before, config))
        self.assertEqual([name for name in os.listdir(self.root / ".worktrees") if not name.startswith(".")], [first])
        second = self.push("two")
        sync.hint()
        sync.wait_for(second)
        wait_until(lambda: sorted(os.listdir(self.root)) == [".git", ".worktrees", "current"], lambda: f"nothing is left: {os.listdir(self.root)}")

    def test_links_out_of_the_tree_are_published_as_links_and_never_written_through(self):
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "file").write_text("the user's")
        links = {
            b"absolute": str(outside).encode(),
            b"up": b"../../../outside",
            b"to-a-file": str(outside / "file").encode(),
            b"nowhere": b"/nonexistent",
            b"to-git": b".git/HEAD",
        }
        self.bare.push({**self.tree("one"), **{name: File(target, SYMLINK) for name, target in links.items()}})
        sync = self.started()
        sync.wait_for(self.bare.tip())
        self.assertEqual({name: os.readlink(os.fsencode(sync.link) + b"/" + name) for name in links}, links)
        # The same names as files and folders, and back.
        self.bare.push({**self.tree("two"), b"absolute/file": File(b"ours"), b"up/file": File(b"ours"), b"to-a-file": File(b"ours", EXECUTABLE)})
        sync.wait_for(self.bare.tip())
        self.assertEqual((self.read("current/absolute/file"), self.read("current/to-a-file")), ("ours", "ours"))
        self.bare.push({**self.tree("three"), **{name: File(target, SYMLINK) for name, target in links.items()}})
        sync.wait_for(self.bare.tip())
        self.assertEqual((os.listdir(outside), (outside / "file").read_text()), (["file"], "the user's"))

    def test_names_that_differ_by_case_or_unicode_form_are_files_of_their_own(self):
        names = [
            "readme.md",
            "README.md",
            "ReadMe.md",
            "caf\u00e9",
            "cafe\u0301",
            "\uac00",
            "\u1100\u1161",
            "\u212b",
            "\u00c5",
            "dir/x",
            "DIR/x",
            "stra\u00dfe",
            "strasse",
        ]
        tree = {name.encode(): File(f"this is {name!a}".encode()) for name in names}
        tree[b"not-utf8-\xff\xfe"] = File(b"bytes")
        sync = self.started(max_failures=-1)
        sync.wait_for(self.bare.push(tree))
        found = {}
        for folder, _, files in os.walk(os.fsencode(sync.link)):
            for file in files:
                path = Path(os.fsdecode(os.path.join(folder, file)))
                found[os.fsencode(path.relative_to(sync.link))] = blob_id(path.read_bytes())
        del found[b".git"]
        self.assertEqual(found, {path: file.oid for path, file in tree.items()})


if __name__ == "__main__":
    unittest.main()
