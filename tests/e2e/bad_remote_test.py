#!/usr/bin/env python3
"""Wrong repositories, refs and credentials, servers that misbehave, corrupt objects: one clear line that says what to do, the right exit code or retry, and nothing that was indexed is lost."""

import os
import unittest

from tidemark_e2e.complaints import BadInput, complaints
from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import File, git
from tidemark_e2e.servers import GitDaemon, HttpBackend, Sshd


class BadRemote(BadInput):
    def test_a_repository_that_does_not_exist(self):
        daemon, http = GitDaemon(self.world.served), HttpBackend(self.world.served)
        self.addCleanup(daemon.close)
        self.addCleanup(http.close)
        for url in (self.world.served / "nowhere.git", f"file://{self.world.served}/nowhere.git", daemon.url("nowhere.git"), http.url("nowhere.git")):
            self.once(self.other_sync(url), 1, str(url), ("does not exist", "not found", "no such", "not a git repository", "404"))
        self.once(self.other_sync("http://127.0.0.1:1/a.git"), 1, "127.0.0.1:1", ("refused", "connect"))
        self.once(self.other_sync("http://nowhere.invalid/a.git"), 1, "nowhere.invalid", ("resolve", "name", "lookup"))

    def test_by_default_the_first_failure_ends_sync_and_a_negative_limit_never_does(self):
        got, said = self.other_sync(self.world.served / "nowhere.git", one_time=None, max_failures=None, period="10ms").run()
        self.assertEqual(got, 1, said)
        patient = self.other_sync(self.world.served / "late.git", one_time=None, max_failures=-1, period="50ms").start()
        self.addCleanup(patient.kill)
        wait_until(lambda: len(complaints(patient.log())) >= 2, lambda: f"it tries again\n{patient.tail()}")
        late = type(self.bare)(self.world.served / "late.git")
        patient.wait_for(late.push({b"a.md": self.page()}))
        patient.close()

    def test_a_repository_that_goes_away_for_a_while_costs_nothing(self):
        self.sync.options.update(period="50ms", max_failures=0)
        first = self.bare.push({b"a.md": self.page()})
        self.start()
        self.level(first)
        os.rename(self.bare.path, self.world.served / "away.git")
        wait_until(lambda: any("model.git" in line for line in complaints(self.sync.log())), lambda: f"sync complains\n{self.sync.tail()}")
        self.assertEqual(self.sync.published(), first)
        os.rename(self.world.served / "away.git", self.bare.path)
        self.push({b"b.md": self.page()})

    def test_a_ref_that_is_not_there(self):
        self.bare.push({b"a.md": self.page()})
        for ref in ("mian", "refs/heads/mian", "v9.9", "0" * 39 + "1"):
            self.once(self.other_sync(self.bare.path, ref=ref), 1, ref, ("not", "no "))
        self.once(self.other_sync(self.bare.path, ref=""), 2, "ref")

    def test_wrong_http_credentials_name_the_flags_and_never_the_secret(self):
        http = HttpBackend(self.world.served, "someone", "right-Secret")
        self.addCleanup(http.close)
        tip = self.bare.push({b"a.md": self.page()})
        password = self.world.folder / "password"
        password.write_text("wrong-Secret\n")
        for sync in (
            self.other_sync(http.url("model.git")),
            self.other_sync(http.url("model.git"), username="someone", password_file=password),
            self.other_sync(http.url("model.git", "someone:wrong-Secret@")),
        ):
            said = self.once(sync, 1, ("credentials", "username", "password"), ("--username", "--password-file", "401", "refuse", "rejected"))
            self.assertNotIn("Secret", said)
        waiting = self.other_sync(
            http.url("model.git"), one_time=None, max_failures=-1, period="50ms", username="someone", password_file=password
        ).start()
        self.addCleanup(waiting.kill)
        wait_until(lambda: complaints(waiting.log()), "a complaint")
        password.write_text("right-Secret\n")
        waiting.wait_for(tip)
        waiting.close()
        self.assertNotIn("Secret", waiting.log())
        missing = self.other_sync(http.url("model.git"), username="someone", password_file=self.world.folder / "nothing")
        self.once(missing, 1, str(self.world.folder / "nothing"))

    def test_wrong_ssh_keys_and_unknown_hosts(self):
        sshd = Sshd(self.world.folder / "ssh")
        self.addCleanup(sshd.close)
        tip = self.bare.push({b"a.md": self.page()})
        url = sshd.url(self.bare.path)
        key = lambda name: {"ssh_key_file": sshd.folder / name, "ssh_known_hosts_file": sshd.known_hosts}
        self.once(self.other_sync(url, **key("stranger")), 1, ("key", "credential", "authentic"), "stranger")
        self.once(self.other_sync(url, **key("nothing")), 1, str(sshd.folder / "nothing"))
        empty = self.world.folder / "no_hosts"
        empty.touch()
        self.once(self.other_sync(url, ssh_key_file=sshd.folder / "user", ssh_known_hosts_file=empty), 1, "host", str(empty))
        false_host = self.world.folder / "false_hosts"
        false_host.write_text(f"[127.0.0.1]:{sshd.port} {' '.join((sshd.folder / 'user.pub').read_text().split()[:2])}\n")
        self.once(self.other_sync(url, ssh_key_file=sshd.folder / "user", ssh_known_hosts_file=false_host), 1, "host", str(false_host))
        right = self.other_sync(url, **key("user"))
        code, said = right.run()
        self.assertEqual((code, right.published()), (0, tip), said)

    def test_a_server_that_answers_rubbish_or_breaks_off(self):
        first = self.bare.push({b"a.md": self.page()})
        for fault in (("--garbage", "refs"), ("--garbage", "pack"), ("--status", "500"), ("--status", "403")):
            http = HttpBackend(self.world.served, None, "", *fault)
            self.addCleanup(http.close)
            self.once(self.other_sync(http.url("model.git")), 1, f"127.0.0.1:{http.port}")
        self.assertTrue(first)

    def test_an_object_that_is_corrupt_at_the_remote_is_not_published(self):
        self.start()
        tree = {b"a.md": self.page(), b"b.md": self.page()}
        first = self.push(tree)
        bad = self.page()
        self.bare.commit({**tree, b"c.md": bad}, [first])
        loose = self.bare.path / "objects" / bad.oid[:2] / bad.oid[2:]
        whole = loose.read_bytes()
        loose.chmod(0o644)
        loose.write_bytes(whole[: len(whole) // 2] + bytes(byte ^ 0xFF for byte in whole[len(whole) // 2 :]))
        before = len(complaints(self.sync.log()))
        self.sync.hint()
        wait_until(lambda: len(complaints(self.sync.log())) > before, lambda: f"sync complains\n{self.sync.tail()}")
        self.assertEqual(self.sync.published(), first)
        self.same(first)
        loose.write_bytes(whole)
        self.level(self.bare.tip())

    def test_an_object_that_is_corrupt_in_the_published_repository_is_named_and_the_old_index_answers(self):
        self.start()
        kept = self.page(b"keptword")
        first = self.push({b"a.md": kept})
        self.ingest.stop()
        bad = File(b"# badword\n" + os.urandom(3000).hex().encode() + b"\n")
        second = self.bare.push({b"a.md": kept, b"b.md": bad})
        self.sync.hint()
        self.sync.wait_for(second)
        self.sync.stop()
        restore = self.corrupt(self.sync.root / ".git", bad.oid)
        self.ingest.start().wait_alive()
        wait_until(lambda: bad.oid in self.ingest.log(), lambda: f"ingest names the object\n{self.ingest.tail()}")
        self.one_line(self.ingest.log(), bad.oid, ("corrupt", "damaged", "mismatch", "inflate", "zlib", "can't be read", "checksum"))
        self.assertEqual(self.found("keptword"), ["a.md"])
        self.assertIn(self.client.checkpoint(), (first, second))
        restore()
        self.ingest.wait_for(second)
        self.same(second)

    @staticmethod
    def corrupt(git_directory, oid):
        """Flips bytes of an object's data, loose or packed; gives a function that mends it."""
        loose = git_directory / "objects" / oid[:2] / oid[2:]
        if loose.exists():
            file, begin = loose, 20
        else:
            for index in (git_directory / "objects" / "pack").glob("*.idx"):
                for line in git("verify-pack", "-v", index).decode().splitlines():
                    if line.startswith(oid):
                        file, begin = index.with_suffix(".pack"), int(line.split()[4]) + 40
        mode = file.stat().st_mode
        file.chmod(0o644)
        whole = file.read_bytes()
        # The same length and the same file, so that who maps it sees it too.
        with open(file, "r+b") as stream:
            stream.seek(begin)
            stream.write(bytes(byte ^ 0xFF for byte in whole[begin : begin + 200]))

        def mend():
            with open(file, "r+b") as stream:
                stream.write(whole)
            file.chmod(mode)

        return mend


if __name__ == "__main__":
    unittest.main()
