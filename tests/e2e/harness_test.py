#!/usr/bin/env python3
"""The tests' own tools against the git command: the generator writes what it says, the oracle notices what is wrong, the servers serve."""

import os
import random
import sqlite3
import subprocess
import unittest

from tidemark_e2e.environment import Folder
from tidemark_e2e.generator import Generator
from tidemark_e2e.git import EXECUTABLE, SUBMODULE, SYMLINK, Bare, File, git, git_environment
from tidemark_e2e.git_sync import GitSyncVolume
from tidemark_e2e.index import compare_rows, compare_worktree, path_of
from tidemark_e2e.oracle import Oracle, is_wanted
from tidemark_e2e.pages import Writer, decode, markers
from tidemark_e2e.processes import flags
from tidemark_e2e.servers import GitDaemon, HttpBackend, Sshd


class Harness(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.close)
        self.bare = Bare(self.folder / "a.git")

    def oracle(self, limit=16384):
        oracle = Oracle(self.bare.path, limit)
        self.addCleanup(oracle.close)
        return oracle

    def test_generated_pushes_are_what_git_sees_and_the_same_for_the_same_seed(self):
        commits = []
        for repository in (self.bare, Bare(self.folder / "b.git")):
            generator, tips = Generator(5, 16384), []
            for _ in range(60):
                push = generator.next_push()
                if push.target is None:
                    tips.append(repository.commits(push.steps)[-1])
                else:
                    tips.append(generator.tips[push.target])
                    repository.move(tips[-1])
                generator.pushed(tips[-1], push.tree)
                if repository is self.bare:
                    entries = {(mode, oid, path) for mode, oid, _, path in self.oracle().expect(tips[-1]).entries}
                    self.assertEqual(entries, {(file.mode, file.oid, path) for path, file in push.tree.items()})
            repository.git("fsck", "--strict")
            commits.append(tips)
        self.assertEqual(*commits)

    def test_the_oracle_takes_wanted_regular_text_files_within_the_limit(self):
        tree = {
            b"a.md": File(b"a"),
            b"b.MD": File(b"b", EXECUTABLE),
            b"c.txt": File(b"c"),
            b"l.md": File(b"a.md", SYMLINK),
            b"s.md": File(b"1" * 40, SUBMODULE),
            b"big.md": File(b"x" * 101),
            b"bin.json": File(b"\0"),
            b".hidden/a.md": File(b"a"),
            b"x/node_modules/a.md": File(b"a"),
            b"\xff.yml": File(b""),
            b"d/package-lock.json": File(b"{}"),
        }
        expectation = self.oracle(100).expect(self.bare.push(tree))
        self.assertEqual(sorted(expectation.documents), [b"a.md", b"b.MD", b"\xff.yml"])
        self.assertEqual(expectation.refused, {b"big.md": "too large", b"bin.json": "binary"})

    def test_the_comparison_notices_each_kind_of_difference(self):
        writer = Writer(random.Random(1))
        tree = {b"%d.md" % number: File(f"# {writer.marker('h')}\n\n{writer.marker('p')}\n".encode()) for number in range(4)}
        oracle = self.oracle()
        expectation = oracle.expect(self.bare.push(tree))

        def rows():
            return {
                path: {
                    "path": path,
                    "oid": bytes.fromhex(oid),
                    "prose": " ".join(oracle.words(oid, "p")),
                    "code": "",
                    "headings": " ".join(oracle.words(oid, "h")),
                }
                for path, oid in expectation.documents.items()
            }

        self.assertEqual(compare_rows(expectation, rows(), oracle), [])
        for spoil, said in (
            (lambda r: r.pop(b"0.md"), "missing"),
            (lambda r: r.update({b"ghost.md": r[b"1.md"]}), "not in the tree"),
            (lambda r: r[b"2.md"].update(oid=b"\1" * 20), "another blob"),
            (lambda r: r[b"3.md"].update(prose="old px00000000"), "body"),
            (lambda r: r[b"3.md"].update(prose=""), "body"),
            (lambda r: r[b"1.md"].update(code="px00000000"), "body"),
        ):
            spoiled = rows()
            spoil(spoiled)
            self.assertIn(said, "\n".join(compare_rows(expectation, spoiled, oracle)))

    def test_the_worktree_comparison_agrees_with_git_and_notices_changes(self):
        tree = {
            b"a.md": File(b"a"),
            b"d/x": File(b"b", EXECUTABLE),
            b"l": File(b"a.md", SYMLINK),
            b"\xff\n.md": File(b"c"),
            b"s": File(b"1" * 40, SUBMODULE),
        }
        expectation = self.oracle().expect(self.bare.push(tree))
        git("clone", "--quiet", "--no-local", self.bare.path, self.folder / "w")
        # A clone has a .git folder where a published tree has a file.
        git("worktree", "add", "--quiet", "--detach", self.folder / "tree", "main", cwd=self.bare.path)
        self.assertEqual(compare_worktree(expectation, self.folder / "tree"), [])
        (self.folder / "tree" / "a.md").write_bytes(b"other")
        (self.folder / "tree" / "d" / "x").chmod(0o644)
        (self.folder / "tree" / "extra").touch()
        (self.folder / "tree" / "l").unlink()
        self.assertEqual(len(compare_worktree(expectation, self.folder / "tree")), 4)

    def test_words_of_a_page_are_read_back_in_any_of_the_encodings(self):
        writer = Writer(random.Random(3))
        for _ in range(300):
            text = f"# {writer.words('h')}\n\n{writer.block()}\n"
            self.assertEqual(markers(decode(writer.encode(text))), markers(text))
        self.assertEqual(markers(decode("\ufeffpx12345678 日本px87654321、".encode("utf-16-le"))), ["px12345678", "px87654321"])

    def test_selection_rules(self):
        for path, wanted in {
            b"a.md": True,
            b"A.Md": True,
            b"a.geojson": True,
            b"md": False,
            b"a.md/b": False,
            b".a/b.md": False,
            b"vendor/a.md": False,
            b"a/vendor.md": True,
            b"a b/c.yml": True,
            b"pnpm-lock.yaml": False,
        }.items():
            self.assertEqual(is_wanted(path), wanted, path)

    def test_displayed_paths_give_their_bytes_back(self):
        self.assertEqual(path_of("日本/a%FF%0A.md"), "日本/a".encode() + b"\xff\n.md")

    def test_flags(self):
        self.assertEqual(
            flags({"max_file_size": "1KiB", "one_time": True, "off": False, "none": None, "include": ["a", "b"]}),
            ["--max-file-size", "1KiB", "--one-time", "--include", "a", "--include", "b"],
        )

    def test_the_servers_serve(self):
        tip = self.bare.push({b"a.md": File(b"a")})
        sshd = Sshd(self.folder / "ssh")
        self.addCleanup(sshd.close)
        daemon, http, locked = GitDaemon(self.folder.path), HttpBackend(self.folder.path), HttpBackend(self.folder.path, "me", "secret")
        for server in (daemon, http, locked):
            self.addCleanup(server.close)
        ssh = f"ssh -F none -o IdentitiesOnly=yes -o UserKnownHostsFile={sshd.known_hosts} -i {sshd.folder}/"
        listing = lambda url, key="user": subprocess.run(
            ["git", "ls-remote", url, "refs/heads/main"], env=git_environment(GIT_SSH_COMMAND=ssh + key), capture_output=True, text=True
        ).stdout.split("\t")[0]
        self.assertEqual(listing(daemon.url("a.git")), tip)
        self.assertEqual(listing(http.url("a.git")), tip)
        self.assertEqual(listing(locked.url("a.git")), "")
        self.assertEqual(listing(locked.url("a.git", "me:secret@")), tip)
        self.assertEqual(listing(sshd.url(self.bare.path)), tip)
        self.assertEqual(listing(sshd.url(self.bare.path), "stranger"), "")

    def test_what_stands_in_for_git_sync_publishes_as_it_does_and_forgets_what_is_old(self):
        oracle, first = self.oracle(), self.bare.push({b"a.md": File(b"a"), b"d/x": File(b"b", EXECUTABLE)})
        volume = GitSyncVolume(self.folder / "volume", f"file://{self.bare.path}")
        for tree in ({b"a.md": File(b"c")}, {b"b.md": File(b"c"), b"\xff": File(b"a.md", SYMLINK)}):
            commit = self.bare.push(tree)
            self.assertEqual(volume.publish(), commit)
            volume.clean(commit)
            self.assertEqual(os.readlink(volume.link), f".worktrees/{commit}")
            self.assertEqual(compare_worktree(oracle.expect(commit), volume.link), [])
            self.assertEqual(git("rev-parse", "HEAD", cwd=volume.link).decode().strip(), commit)
            self.assertFalse(volume.has(first))
            first = commit

    def test_sqlite_is_recent_enough_to_read_what_the_programs_write(self):
        self.assertGreaterEqual(sqlite3.sqlite_version_info, (3, 34))


if __name__ == "__main__":
    unittest.main()
