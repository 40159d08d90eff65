#!/usr/bin/env python3
"""What lost or corrupted the index of others, case by case: files, paths, history. After each push the index equals the tree."""

import os
import unicodedata
import unittest

from tidemark_e2e.case import EndToEnd
from tidemark_e2e.complaints import complaints
from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import EXECUTABLE, SUBMODULE, SYMLINK, File
from tidemark_e2e.oracle import is_wanted
from tidemark_e2e.client import request
from tidemark_e2e.world import MAX_FILE_SIZE


class Paths(EndToEnd):
    def test_01_a_commit_that_only_renames_leaves_one_path(self):
        self.start()
        page, other = self.page(), self.page()
        self.push({b"old.md": page, b"other.md": other})
        self.push({b"new.md": page, b"other.md": other})
        self.push({b"deep/er/new.md": page, b"other.md": other})

    def test_02_the_old_name_is_not_found_after_a_rename(self):
        self.start()
        page = self.page(b"renamedword")
        self.push({b"old.md": page, b"a.md": self.page()})
        self.push({b"new.md": page, b"a.md": self.page()})
        self.assertEqual(self.found("renamedword"), ["new.md"])
        self.assertEqual(self.client.document(b"old.md", expected=(404,)).status, 404)

    def test_03_renames_by_case_alone_and_twins_of_normalisation(self):
        self.start()
        page, nfc, nfd = self.page(), unicodedata.normalize("NFC", "がé").encode(), unicodedata.normalize("NFD", "がé").encode()
        self.push({b"Read.md": page, nfc + b".md": self.page()})
        self.push({b"read.md": page, nfd + b".md": self.page()})
        self.push({b"read.md": page, b"READ.md": self.page(), nfc + b".md": self.page(), nfd + b".md": self.page()})
        self.push({b"DOCS/a.md": page, b"docs/a.md": page})
        self.push({b"docs/a.md": self.page()})

    def test_04_a_file_becomes_a_folder_and_back_in_one_commit(self):
        self.start()
        self.push({b"a.md": self.page(), b"b.md/c.md": self.page(), b"a.md-": self.page(), b"a.mc": self.page()})
        self.push({b"a.md/x.md": self.page(), b"a.md/y/z.md": self.page(), b"b.md": self.page()})
        self.push({b"a.md": self.page(), b"b.md/c.md": self.page()})

    def test_05_a_file_becomes_a_symlink_and_back(self):
        self.start()
        page, target = self.page(), self.page()
        self.push({b"a.md": page, b"t.md": target})
        self.push({b"a.md": File(b"t.md", SYMLINK), b"t.md": target})
        self.push({b"a.md": File(target.content, EXECUTABLE), b"t.md": target})

    def test_06_symlinks_to_anywhere_are_no_documents_and_are_not_followed(self):
        self.start()
        outside = self.world.folder / "outside.md"
        outside.write_text("secretword\n")
        links = {
            b"passwd.md": b"/etc/passwd",
            b"out.md": os.fsencode(outside),
            b"up.md": b"../../../../../outside.md",
            b"dangling.md": b"nowhere.md",
            b"loop.md": b"loop.md",
            b"l1.md": b"l2.md",
            b"l2.md": b"l1.md",
            b"dir": b"/etc",
            b"empty-dir": b".",
            b"a/self": b"../a",
        }
        self.push({b"page.md": self.page(), **{path: File(target, SYMLINK) for path, target in links.items()}})
        self.assertEqual(self.found("secretword"), [])
        # A file that is written through what was a symlinked folder must not land outside.
        self.push({b"page.md": self.page(), b"dir/evil.md": self.page(), b"a/self/evil.md": self.page()})
        self.assertFalse(os.path.exists("/etc/evil.md"))

    def test_07_submodules_come_go_and_become_folders(self):
        self.start()
        module = lambda digit: File(digit * 40, SUBMODULE)
        self.push({b"a.md": self.page(), b"sub": module(b"1"), b"deep/sub.md": module(b"2")})
        self.push({b"a.md": self.page(), b"sub": module(b"3"), b"deep/sub.md": self.page()})
        self.push({b"a.md": self.page(), b"sub/in.md": self.page(), b"deep/sub.md": module(b"2")})
        self.push({b"a.md": module(b"4"), b"sub": module(b"1"), b"b.md": self.page()})
        self.push({b"a.md": self.page()})

    def test_08_text_that_becomes_binary_or_empty_loses_its_old_words(self):
        self.start()
        self.push({b"a.md": self.page(b"firstword"), b"b.md": self.page(b"firstword"), b"c.json": File(b'{"a": "firstword"}')})
        self.assertEqual(len(self.found("firstword")), 3)
        self.push({b"a.md": File(self.writer.binary()), b"b.md": File(b""), b"c.json": File(b"")})
        self.assertEqual(self.found("firstword"), [])
        self.push({b"a.md": File(b""), b"b.md": File(self.writer.binary()), b"c.json": File(b'{"a": "firstword"}')})
        self.assertEqual(self.found("firstword"), ["c.json"])

    def test_09_a_file_that_outgrows_the_limit_leaves_and_comes_back(self):
        self.start()
        exact = File(b"# limitword\n\n" + b"x" * (MAX_FILE_SIZE - 13))
        self.assertEqual(len(exact.content), MAX_FILE_SIZE)
        self.push({b"a.md": self.page(), b"b.md": exact})
        self.push({b"a.md": self.page(), b"b.md": File(exact.content + b"\n")})
        self.assertEqual(self.found("limitword"), [])
        self.push({b"a.md": self.page(), b"b.md": exact})
        self.assertEqual(self.found("limitword"), ["b.md"])

    def test_10_file_names_beyond_ascii_stay_what_they_are(self):
        self.start()
        names = ["日本語.md", "Grüße/naïve.md", "привет/мир.md", "🙂.md", "안녕.md", "ﬁ.md", "\u202etxt.md"]
        self.push({name.encode(): self.page() for name in names})
        self.assertEqual(sorted(row["path"] for row in self.client.documents()), sorted(names, key=str.encode))
        for name in names:
            self.assertEqual(self.client.document(name.encode()).json["path"], name)

    def test_11_paths_with_every_odd_byte(self):
        self.start()
        names = [
            b'quo"te',
            b"tab\t",
            b"new\nline",
            b"-dash",
            b"--flag=x",
            b":(glob)*",
            b":!x",
            b"\xff\xfe",
            b"\xe3\x81",
            b"back\\slash",
            b" ",
            b"a ",
            b"%41",
            b"%zz",
            b"?",
            b"#",
            b"a&b=c",
            b"+",
            b";",
            b"'",
            b"*",
            b"[x]",
            b"{a,b}",
            b"$(x)",
            b"~",
            b"...",
            b"\x7f",
            b"\x01",
            b"|",
            b"<>",
            b"a:b",
            b"\r",
            b"caf\xe9",
            b"x" * 250,
        ]
        tree = {name + b".md": self.page() for name in names}
        tree.update({name + b"/in.md": self.page() for name in names})
        self.push(tree)
        for path in tree:
            if is_wanted(path):
                self.assertEqual(self.client.document(path).json["oid"], tree[path].oid, path)
        self.push({path: self.page() for path in list(tree)[::2]})

    def test_12_thousands_of_paths_in_one_push(self):
        self.start()
        tree = {b"%03d/%d.md" % (number % 200, number): File(b"# t\n\npx%08d\n" % number) for number in range(3000)}
        self.push(tree)
        self.push({path.replace(b"/", b"/moved/"): file for path, file in tree.items()})


class History(EndToEnd):
    def test_15_a_force_push_back_costs_a_diff(self):
        self.start()
        tree = {b"%d.md" % number: self.page() for number in range(300)}
        first = self.push(tree)
        self.push({**tree, b"5.md": self.page(), b"new.md": self.page()})
        self.push({**tree, b"6.md": self.page()})
        self.bare.move(first)
        self.level(first)
        run = next(run for run in self.client.runs() if run["to"] == first and run["mode"] != "up-to-date")
        self.assertEqual((run["mode"], run["outcome"]), ("diff", "succeeded"), run)
        self.assertLessEqual(run["upserted"] + run["removed"], 2, run)

    def test_16_a_force_push_to_unrelated_history_leaves_no_ghosts(self):
        self.start()
        shared = self.page()
        self.push({b"a.md": self.page(), b"b/c.md": self.page(), b"shared.md": shared})
        self.push({b"b.md": self.page(), b"shared.md": shared}, force_root=True)
        self.push({b"a.md": self.page()}, force_root=True)

    def test_20_pushes_during_the_first_index_are_not_lost(self):
        tree = {b"%03d/%d.md" % (number % 50, number): File(b"# t\n\npx%08d\n\n" % number + b"word " * 300) for number in range(1500)}
        self.bare.push(tree)
        self.sync.start()
        self.ingest.start()
        self.ingest.wait_alive()
        for number in range(8):
            tree = {**tree, b"late%d.md" % number: self.page()}
            del tree[b"%03d/%d.md" % (number, number)]
            commit = self.bare.push(tree)
            wait_until(self.sync.answers, "sync answers")
            self.sync.hint()
            self.sync.wait_for(commit)
        self.level(commit)

    def test_21_every_following_push_is_a_diff_and_an_idle_hint_does_nothing(self):
        self.start()
        tree = {b"%d.md" % number: self.page() for number in range(120)}
        for number in range(6):
            tree = {**tree, b"%d.md" % number: self.page()}
            commit = self.push(tree)
        runs = [run for run in self.client.runs() if run["to"] != run["from"]]
        self.assertEqual([run["mode"] for run in runs[:5]], ["diff"] * 5)
        self.assertEqual([run["upserted"] for run in runs[:5]], [1] * 5)
        before = len(self.client.runs())
        self.client.sync(commit)
        wait_until(lambda: len(self.client.runs()) > before and self.last_run()["outcome"] == "succeeded", "a run after the hint")
        self.assertEqual((self.last_run()["mode"], self.last_run()["upserted"]), ("up-to-date", 0))

    def test_22_a_deleted_branch_keeps_the_index_and_its_return_is_followed(self):
        self.start()
        tree = {b"a.md": self.page()}
        first = self.push(tree)
        self.bare.git("update-ref", "-d", "refs/heads/main")
        self.sync.hint()
        wait_until(lambda: complaints(self.sync.log()), lambda: f"sync says that the branch is gone\n{self.sync.tail()}")
        self.assertEqual(self.sync.published(), first)
        self.same(first)
        self.push({b"b.md": self.page()})

    def test_22_a_renamed_default_branch_is_followed_through_head(self):
        self.sync.options["ref"] = "HEAD"
        self.start()
        self.push({b"a.md": self.page()})
        commit = self.bare.commit({b"b.md": self.page()}, ref="refs/heads/trunk")
        self.bare.git("symbolic-ref", "HEAD", "refs/heads/trunk")
        self.bare.git("update-ref", "-d", "refs/heads/main")
        self.level(commit)

    def test_22_an_empty_repository_is_waited_for(self):
        self.start()
        wait_until(lambda: "no commits" in self.sync.log(), lambda: f"sync says what it waits for\n{self.sync.tail()}")
        self.assertTrue(self.sync.running() and self.ingest.running())
        self.assertEqual(self.client.search("anything")["total"], 0)
        self.push({b"a.md": self.page()})

    def test_49_commit_dates_and_file_times_mean_nothing(self):
        self.start()
        moved = self.page()
        for clock, tree in (
            (4_000_000_000, {b"a.md": moved}),
            (1, {b"b.md": moved, b"c.md": self.page()}),
            (1_500_000_000, {b"c.md": moved}),
            (0, {b"a.md": self.page()}),
        ):
            self.bare.clock = clock
            self.push(tree)

    def test_59_webhooks_that_are_wrong_doubled_late_or_during_a_resync(self):
        self.start()
        first = self.push({b"a.md": self.page()})
        second = self.push({b"b.md": self.page()})
        for header in (
            {"Gitsync-Hash": first},
            {"Gitsync-Hash": "0" * 40},
            {"Gitsync-Hash": "not a hash"},
            {},
            {"Gitsync-Hash": "f" * 10_000},
            {"Gitsync-Hash": second},
            {"Gitsync-Hash": second},
        ):
            answer = request(self.ingest.port, "POST", "/api/v1/sync", header)
            self.assertIn(answer.status, (200, 400, 431) if len(header.get("Gitsync-Hash", "")) > 1000 else (200,))
        wait_until(lambda: not self.client.status().get("running"), "quiet")
        self.same(second)
        run = self.client.resync("rewrite").json
        for _ in range(10):
            request(self.ingest.port, "POST", "/api/v1/sync", {"Gitsync-Hash": first})
        tree = {b"c.md": self.page()}
        self.push(tree)
        self.assertTrue(run)

    def test_59_a_consumer_that_hangs_gets_the_last_revision_when_it_is_back(self):
        self.start()
        self.push({b"a.md": self.page()})
        self.ingest.freeze()
        for _ in range(3):
            commit = self.bare.push({b"b.md": self.page()})
            self.sync.hint()
            self.sync.wait_for(commit)
        self.ingest.thaw()
        self.ingest.wait_for(commit, 25)  # before its own period
        self.same(commit)

    def test_59_a_lost_webhook_is_made_up_for_by_the_period(self):
        self.sync.options["webhook_url"] = None
        self.ingest.options["reconcile_period"] = "200ms"
        self.start()
        self.push({b"a.md": self.page()})
        self.push({b"b.md": self.page()})


if __name__ == "__main__":
    unittest.main()
