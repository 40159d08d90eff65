#!/usr/bin/env python3
"""Unwritable folders, full disks, foreign and damaged index files: one clear line that says what to do, the right exit code or retry, and nothing that was indexed is lost."""

import os
import shutil
import sqlite3
import unittest

from tidemark_e2e.complaints import BadInput, complaints, grow, small_disk
from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import File
from tidemark_e2e.processes import Ingest


class Disks(BadInput):
    def test_a_root_that_can_not_be_made_or_written(self):
        self.bare.push({b"a.md": self.page()})
        in_the_way = self.world.folder / "file"
        in_the_way.write_text("mine")
        self.once(self.other_sync(self.bare.path, root=in_the_way), (1), str(in_the_way), ("not a directory", "folder", "--root"))
        self.assertEqual(in_the_way.read_text(), "mine")
        with small_disk(self, self.world.folder / "readonly", "1m", ",ro"):
            root = self.world.folder / "readonly" / "root"
            self.once(self.other_sync(self.bare.path, root=root), 1, str(root), ("read-only", "write", "permission"))

    def test_a_link_that_is_in_the_way_is_not_removed(self):
        self.bare.push({b"a.md": self.page()})
        sync = self.other_sync(self.bare.path)
        sync.root.mkdir()
        (sync.root / "current").mkdir()
        (sync.root / "current" / "mine").write_text("mine")
        code, said = sync.run()
        self.assertIn(code, (1, 2))
        self.one_line(said, "current")
        self.assertEqual((sync.root / "current" / "mine").read_text(), "mine")

    def test_a_full_disk_under_sync_keeps_the_old_tree_and_goes_on_when_there_is_room(self):
        self.sync.options["period"] = "100ms"
        with small_disk(self, self.sync.root, "3m"):
            self.addCleanup(self.sync.kill)
            self.start()
            page = self.page()
            first = self.push({b"a.md": page})
            large = {b"%d.bin" % number: File(os.urandom(1 << 20)) for number in range(4)}
            second = self.bare.commit({b"a.md": page, b"b.md": self.page(), **large}, [first])
            self.sync.hint()
            wait_until(
                lambda: any("space" in line.lower() for line in complaints(self.sync.log())), lambda: f"sync names the full disk\n{self.sync.tail()}"
            )
            self.assertEqual(self.sync.published(), first)
            self.assertEqual((self.sync.link / "a.md").read_bytes(), page.content)
            self.same(first)
            # Upstream shrinks: what the failed attempt left must not keep the disk full.
            third = self.bare.commit({b"a.md": page, b"c.md": self.page()}, [first])
            self.level(third)
            grow(self.sync.root, "60m")
            self.bare.move(second)
            self.level(second)
            self.world.pair.sync.stop()
            self.world.pair.ingest.stop()

    def test_a_full_disk_under_the_index_keeps_the_old_index_and_goes_on_when_there_is_room(self):
        folder = self.world.folder / "small"
        with small_disk(self, folder, "3m"):
            self.addCleanup(self.ingest.kill)
            self.ingest.database = folder / "index.db"
            self.ingest.options.update(engine=f"sqlite:{self.ingest.database}", max_file_size="5MiB", reconcile_period="200ms")
            self.world.oracle.max_file_size = 5 << 20
            self.start()
            page = self.page(b"keptword")
            first = self.push({b"a.md": page})
            words = lambda number: b"\n".join(b"word%d%d" % (number, word) for word in range(40_000))
            second = self.bare.commit({b"a.md": page, **{b"%d.md" % number: File(words(number)) for number in range(12)}}, [first])
            self.sync.hint()
            self.sync.wait_for(second)
            wait_until(
                lambda: any(word in "\n".join(complaints(self.ingest.log())).lower() for word in ("full", "space")),
                lambda: f"ingest names the full disk\n{self.ingest.tail()}",
            )
            self.assertEqual(self.found("keptword"), ["a.md"])
            self.same(first)
            status = self.client.status()
            self.assertTrue(status.get("stalled") or status.get("last_error"), status)
            grow(folder, "200m")  # nobody tells: a stall is looked into once in a while
            self.ingest.wait_for(second)
            self.same(second)
            self.world.pair.ingest.stop()


class Databases(BadInput):
    def once_on(self, database, **options):
        self.sync.start()
        self.sync.wait_for(self.bare.tip())
        ingest = Ingest(
            self.world.folder.path, self.sync.link, database, log_name="once.log", one_time=True, **{**self.world.ingest_options(), **options}
        )
        return ingest.run()

    def test_a_file_that_is_no_database_and_another_applications_database_are_left_alone(self):
        self.bare.push({b"a.md": self.page()})
        text, other, listed = (self.world.folder / name for name in ("text", "other.db", "application.db"))
        text.write_text("my only copy of something\n" * 100)
        connection = sqlite3.connect(other)
        connection.execute("CREATE TABLE document(mine)")
        connection.execute("INSERT INTO document VALUES ('precious')")
        connection.commit()
        connection.close()
        shutil.copy(other, listed)
        connection = sqlite3.connect(listed)
        connection.execute("PRAGMA application_id = 12345")
        connection.commit()
        connection.close()
        for file in (text, other, listed):
            before = file.read_bytes()
            code, said = self.once_on(file)
            self.sync.stop()
            self.assertEqual(code, 2, said)
            self.one_line(said, str(file), ("not", "another"))
            self.assertEqual(file.read_bytes(), before)
            self.assertEqual(
                [
                    name
                    for name in os.listdir(self.world.folder.path)
                    if name.startswith(file.name) and name != file.name and not name.endswith(".lock")
                ],
                [],
            )

    def test_folders_that_are_not_there(self):
        self.bare.push({b"a.md": self.page()})
        code, said = self.once_on(self.world.folder / "nowhere" / "index.db")
        self.assertEqual(code, 2, said)
        self.one_line(said, str(self.world.folder / "nowhere"))

    def test_a_damaged_index_is_set_aside_and_made_again(self):
        self.start()
        commit = self.push({b"%d.md" % number: self.page() for number in range(60)})
        for damage in ("header", "middle", "everywhere", "cut", "empty"):
            self.ingest.stop()
            # Whole pages in the file itself: without a write-ahead log that would hide them.
            for name in ("-wal", "-shm"):
                if os.path.exists(f"{self.ingest.database}{name}"):
                    os.unlink(f"{self.ingest.database}{name}")
            whole = bytearray(self.ingest.database.read_bytes())
            if damage == "header":
                whole[16:68] = b"\xa5" * 52  # the application's mark, which makes it ours, stays
            elif damage == "cut":
                del whole[len(whole) // 2 :]
            elif damage == "empty":
                del whole[:]
            else:
                for begin in range(
                    4096 if damage == "everywhere" else len(whole) // 2 // 4096 * 4096,
                    len(whole) if damage == "everywhere" else len(whole) // 2 + 4096,
                    4096,
                ):
                    whole[begin : begin + 2000] = b"\xa5" * 2000
            self.ingest.database.write_bytes(whole)
            logged = len(self.ingest.log())
            self.ingest.start()
            self.ingest.wait_alive()
            self.ingest.wait_for(commit)
            with self.subTest(damage):
                run = self.client.resync("audit", wait=60, expected=(200,))
                self.assertEqual(run.status, 200)
                self.same(commit)
                if damage != "empty":
                    self.one_line(self.ingest.log()[logged:], "damaged")
        commit = self.push({b"a.md": self.page()})

    def test_an_index_that_was_edited_by_hand_heals(self):
        self.start()
        commit = self.push({b"%d.md" % number: self.page() for number in range(20)})
        self.ingest.stop()
        connection = sqlite3.connect(self.ingest.database)
        # Without the program's tokenizer only what no trigger indexes can be changed; that is what somebody without our binary can do.
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM document WHERE path = ?", (b"3.md",))
        connection.execute("UPDATE document SET prose = 'forged' WHERE path = ?", (b"4.md",))
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()
        connection.close()
        self.ingest.start().wait_alive()
        self.client.resync("rewrite", wait=60, expected=(200,))
        self.same(commit)

    def test_an_index_restored_from_a_backup_catches_up(self):
        self.start()
        tree = {b"%d.md" % number: self.page() for number in range(30)}
        self.push(tree)
        self.ingest.stop()
        backup = self.ingest.database.read_bytes()
        self.ingest.start().wait_alive()
        for number in range(4):
            tree = {**tree, b"%d.md" % number: self.page(), b"new%d.md" % number: self.page()}
            del tree[b"%d.md" % (20 + number)]
            commit = self.push(tree)
        self.ingest.stop()
        self.ingest.database.write_bytes(backup)
        self.ingest.start().wait_alive()
        self.ingest.wait_for(commit)
        self.same(commit)

    def test_an_index_file_that_is_deleted_under_the_running_agent_is_made_again(self):
        self.ingest.options["reconcile_period"] = "200ms"
        self.start()
        commit = self.push({b"%d.md" % number: self.page() for number in range(30)})
        for name in ("", "-wal", "-shm"):
            if os.path.exists(f"{self.ingest.database}{name}"):
                os.unlink(f"{self.ingest.database}{name}")
        wait_until(
            lambda: self.ingest.database.exists() and not self.client.status().get("running"),
            lambda: f"the file is there again\n{self.ingest.tail()}",
        )
        self.ingest.wait_for(commit)

        def is_whole():
            try:
                return not self.world.check(commit, self.rng)
            except sqlite3.OperationalError:  # looked at between its creation and its first transaction
                return False

        wait_until(is_whole, lambda: self.world.check(commit, self.rng))

    def test_a_state_that_somebody_else_moved_is_noticed(self):
        self.ingest.options["reconcile_period"] = "200ms"
        self.start()
        first = self.push({b"%d.md" % number: self.page() for number in range(30)})
        second = self.push({b"%d.md" % number: self.page() for number in range(25)})
        connection = sqlite3.connect(self.ingest.database, timeout=30)
        connection.execute("UPDATE state SET commit_id = ?", (bytes.fromhex(first),))
        connection.commit()
        connection.close()
        self.ingest.wait_for(second)
        self.same(second)

    def test_an_index_of_another_source_is_refused_until_adopted(self):
        self.bare.push({b"a.md": self.page()})
        database = self.world.folder / "shared.db"
        code, said = self.once_on(database)
        self.assertEqual(code, 0, said)
        code, said = self.once_on(database, source_name="other") if not self.sync.running() else self.again(database, source_name="other")
        self.assertIn(code, (1, 2), said)
        self.one_line(said, "other", "model", "--adopt")
        code, said = self.again(database, source_name="other", adopt=True)
        self.assertEqual(code, 0, said)

    def again(self, database, **options):
        ingest = Ingest(
            self.world.folder.path, self.sync.link, database, log_name="once.log", one_time=True, **{**self.world.ingest_options(), **options}
        )
        return ingest.run()

    def test_two_agents_on_one_file_do_not_disturb_each_other(self):
        self.start()
        first = self.push({b"a.md": self.page()})
        second = Ingest(
            self.world.folder.path,
            self.sync.link,
            self.ingest.database,
            log_name="second.log",
            **{**self.world.ingest_options(), "reconcile_period": "200ms"},
        )
        second.start()
        self.addCleanup(second.kill)
        ended = lambda: second.process.poll() is not None
        wait_until(
            lambda: ended() or (second.client.alive() and second.client.status().get("standing_by")),
            lambda: f"the second one stands by or ends\n{second.tail()}",
        )
        self.one_line(
            second.log() + f"\nwarning {second.client.status()['standing_by']}" if not ended() else second.log(), ("lock", "lease", "another", "hold")
        )
        third = self.push({b"b.md": self.page()})
        self.assertNotEqual(first, third)
        if not ended():
            self.ingest.kill()
            fourth = self.bare.push({b"c.md": self.page()})
            self.sync.hint()
            self.sync.wait_for(fourth)
            second.wait_for(fourth)
            second.stop()
            self.ingest.start().wait_alive()
            self.level(fourth)


if __name__ == "__main__":
    unittest.main()
