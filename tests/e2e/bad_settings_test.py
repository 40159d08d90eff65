#!/usr/bin/env python3
"""Flags, variables, ports, and a revision that would remove nearly everything: one clear line that says what to do, the right exit code or retry, and nothing that was indexed is lost."""

import unittest

from tidemark_e2e.complaints import BadInput
from tidemark_e2e.environment import wait_until
from tidemark_e2e.processes import Ingest
from tidemark_e2e.servers import HttpBackend


class Removals(BadInput):
    def setUp(self):
        super().setUp()
        self.ingest.options["max_removals"] = None
        self.tree = {b"%d.md" % number: self.page() for number in range(260)}

    def refused(self, commit, kept):
        self.sync.hint()
        self.sync.wait_for(commit)
        wait_until(lambda: self.client.status().get("stalled"), lambda: f"the run is refused\n{self.ingest.tail()}")
        self.assertEqual(self.client.wait(commit, timeout=5).status, 409)
        self.one_line(self.ingest.log(), "allow-removals", commit[:7])
        self.same(kept)

    def test_a_revision_that_removes_most_is_refused_until_it_is_confirmed(self):
        self.start()
        first = self.push(self.tree)
        second = self.bare.push(dict(list(self.tree.items())[:20]))
        self.refused(second, first)
        self.client.resync("audit", wait=20, allow_removals=first, expected=None)
        self.same(first)
        answer = self.client.resync("audit", wait=60, allow_removals=second, expected=(200,))
        self.assertEqual(answer.status, 200)
        self.ingest.wait_for(second)
        self.same(second)
        self.assertFalse(self.client.status().get("stalled"))

    def test_a_forced_resync_is_no_confirmation(self):
        self.start()
        first = self.push(self.tree)
        second = self.bare.push({b"0.md": self.page()})
        self.refused(second, first)
        for mode in ("audit", "rewrite"):
            self.client.resync(mode, wait=20, expected=None)
            self.same(first)

    def test_a_better_revision_ends_the_stall_by_itself(self):
        self.start()
        first = self.push(self.tree)
        second = self.bare.push({})
        self.refused(second, first)
        self.push({**self.tree, b"new.md": self.page()})
        self.assertFalse(self.client.status().get("stalled"))

    def test_a_refusal_survives_a_restart_and_a_job_ends_with_1(self):
        self.start()
        first = self.push(self.tree)
        second = self.bare.push({b"0.md": self.page()})
        self.refused(second, first)
        self.ingest.kill()
        self.ingest.start().wait_alive()
        wait_until(lambda: self.client.status().get("stalled"), "it is refused again")
        self.same(first)
        self.ingest.stop()
        job = Ingest(
            self.world.folder.path,
            self.sync.link,
            self.ingest.database,
            log_name="job.log",
            one_time=True,
            **{**self.world.ingest_options(), "max_removals": None},
        )
        code, said = job.run()
        self.assertEqual(code, 1, said)
        self.one_line(said, "allow-removals")
        self.ingest.options["max_removals"] = "100%"
        self.ingest.start().wait_alive()
        self.ingest.wait_for(second)

    def test_an_empty_tree_is_refused_even_for_a_small_index(self):
        self.start()
        first = self.push({b"a.md": self.page(), b"b.md": self.page()})
        self.refused(self.bare.push({}), first)


class Starting(BadInput):
    def test_a_port_in_use(self):
        self.bare.push({b"a.md": self.page()})
        self.start()
        port = self.sync.port
        self.once(self.other_sync(self.bare.path, one_time=None, http_bind=f"127.0.0.1:{port}"), 2, f"127.0.0.1:{port}", ("in use", "--http-bind"))
        for flag in ("listen", "search_listen", "probe_listen"):
            ingest = Ingest(
                self.world.folder.path, self.sync.link, self.world.folder / "other.db", log_name=f"{flag}.log", **{flag: f"127.0.0.1:{port}"}
            )
            self.once(ingest, 2, f"127.0.0.1:{port}", ("in use",))

    def test_misspelt_flags_are_all_named_with_the_nearest_ones(self):
        sync = self.other_sync(self.bare.path, perido="1s", max_failurs="3", period="soon", depth="deep")
        code, said = sync.run()
        self.assertEqual(code, 2, said)
        for needles in (("--perido", "--period"), ("--max-failurs", "--max-failures"), ("soon",), ("deep",)):
            self.one_line(said, *needles)
        ingest = Ingest(
            self.world.folder.path,
            self.sync.link,
            reconcile_perod="1s",
            max_removals="most",
            listen="nonsense",
            max_file_size="big",
        )
        code, said = ingest.run()
        self.assertEqual(code, 2, said)
        for needles in (("--reconcile-perod", "--reconcile-period"), ("most",), ("nonsense",), ("big",)):
            self.one_line(said, *needles)
        self.assertFalse(self.ingest.database.exists())
        code, said = Ingest(self.world.folder.path, self.sync.link, engine="mysql:x").run()
        self.assertEqual(code, 2, said)
        self.one_line(said, "--engine", "mysql", "sqlite:")

    def test_misspelt_variables_are_named_with_the_nearest_ones(self):
        sync = self.other_sync(self.bare.path)
        sync.extra_environment = {"GITSYNC_PERIDO": "1s", "GITSYNC_DEPTH": "deep"}
        code, said = sync.run()
        self.assertEqual(code, 2, said)
        self.one_line(said, "GITSYNC_PERIDO", "GITSYNC_PERIOD")
        self.one_line(said, "GITSYNC_DEPTH", "deep")
        ingest = Ingest(
            self.world.folder.path,
            self.sync.link,
            environment={"TIDEMARK_MAX_FILE_SIZ": "1MiB", "TIDEMARK_RECONCILE_PERIOD": "-3s"},
            reconcile_period=None,
        )
        code, said = ingest.run()
        self.assertEqual(code, 2, said)
        self.one_line(said, "TIDEMARK_MAX_FILE_SIZ", "TIDEMARK_MAX_FILE_SIZE")
        self.one_line(said, "TIDEMARK_RECONCILE_PERIOD", "-3s")

    def test_what_is_required_is_said_and_what_listens_beyond_loopback_wants_a_token(self):
        code, said = self.other_sync(None).run()
        self.assertEqual(code, 2, said)
        self.one_line(said, "--repo")
        ingest = Ingest(self.world.folder.path, None)
        code, said = ingest.run()
        self.assertEqual(code, 2, said)
        self.one_line(said, "--source")
        ingest = Ingest(self.world.folder.path, self.sync.link, listen="0.0.0.0:0")
        code, said = ingest.run()
        self.assertEqual(code, 2, said)
        self.one_line(said, "token")

    def test_a_source_that_is_no_link_of_sync(self):
        plain = self.world.folder / "plain"
        plain.mkdir()
        loose = self.world.folder / "loose"
        loose.symlink_to(plain)
        for link in (plain, loose):
            ingest = Ingest(self.world.folder.path, link, self.world.folder / "other.db", one_time=True, log_name="plain.log")
            code, said = ingest.run()
            self.assertIn(code, (1, 2), said)
            self.one_line(said, str(link))

    def test_secrets_in_urls_reach_no_log_and_no_status(self):
        http = HttpBackend(self.world.served, "someone", "right-Secret")
        self.addCleanup(http.close)
        self.sync.options["repo"] = http.url("model.git", "someone:right-Secret@")
        self.start()
        self.push({b"a.md": self.page()})
        self.assertNotIn("Secret", self.sync.log() + self.ingest.log())
        for target in ("/api/v1/status", "/api/v1/runs", "/metrics"):
            self.assertNotIn(b"Secret", self.client.get(target).body)
        self.assertNotIn("Secret", (self.sync.root / ".git" / "config").read_text())


if __name__ == "__main__":
    unittest.main()
