#!/usr/bin/env python3
"""Both programs and a secured Elasticsearch: what logs in, what does not, what is said of it; the role of docs/elasticsearch.md is just enough."""

import base64
import json
import re
import subprocess
import unittest

from tidemark_e2e.engine import SearchServer
from tidemark_e2e.environment import PROJECT, Folder, wait_until
from tidemark_e2e.git import Bare, File
from tidemark_e2e.processes import Ingest, Pair

ALIAS = "tidemark"
PATIENCE = 60


def documented_role():
    """The first JSON block of the document, as an operator copies it."""
    return json.loads(re.search(r"```json\n(.*?)```", (PROJECT / "docs" / "elasticsearch.md").read_text(), re.DOTALL)[1])


def without(role, privilege):
    def less(privileges):
        return [own for own in privileges if own != privilege]

    indices = [{**entry, "privileges": less(entry["privileges"])} for entry in role["indices"]]
    return {**role, "cluster": less(role["cluster"]), "indices": indices}


class Secured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.common = Folder("tidemark-secured-")
        cls.addClassCleanup(cls.common.close)
        cls.server = SearchServer("elasticsearch", cls.common / "server", password="of-the-operator", tls=True, heap="1g")
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.put_role(documented_role())
        cls.passwords = 0
        cls.bare = Bare(cls.common / "repository.git")
        cls.tree = {b"%d.md" % number: File(b"# Page %d\n\nTides turn.\n" % number) for number in range(10)}

    @classmethod
    def put_role(cls, role, name="tidemark"):
        cls.server.request("PUT", f"/_security/role/{name}", role)

    def setUp(self):
        self.folder = Folder("tidemark-secured-")
        self.addCleanup(self.folder.close)
        self.secrets = []
        self.processes = []
        self.addCleanup(self.remove_indexes)
        self.addCleanup(self.end)

    def end(self):
        for process in self.processes:
            process.close()
            self.assert_no_secret_in(process.log())

    def assert_no_secret_in(self, log):
        self.assertTrue(log)
        for secret in self.secrets:
            for shape in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
                self.assertNotIn(shape, log)

    def remove_indexes(self):
        for name in self.server.request("GET", f"/{ALIAS}-*?expand_wildcards=all&allow_no_indices=true&filter_path=*.aliases").json:
            self.server.request("DELETE", f"/{name}")

    def new_password(self):
        type(self).passwords += 1
        self.secrets.append(f"secret-of-the-agent-{self.passwords}")
        self.secrets.append(f"agent:{self.secrets[-1]}")
        return self.secrets[-2]

    def set_password(self, password, role="tidemark"):
        self.server.request("PUT", "/_security/user/agent", {"password": password, "roles": [role]})
        return password

    def secret_file(self, text, name="secret"):
        file = self.folder / name
        file.write_text(text + "\n")
        return file

    def options(self, **more):
        return {"engine": self.server.url, "index": ALIAS, "engine_ca_file": self.server.ca_file, "engine_replicas": 0, "lease_duration": "3s",
                "reconcile_period": "500ms", "log_level": "debug", **more}

    def by_password(self, file):
        return self.options(engine_username="agent", engine_password_file=file)

    def pair(self, options):
        pair = Pair(self.folder / "pod", self.bare.path, ingest_options=options)
        self.processes += [pair.sync, pair.ingest]
        return pair.start()

    def push(self, name):
        self.tree[name] = File(b"# Pushed\n\n%s\n" % name)
        return self.bare.push(self.tree)

    def level(self, pair, commit):
        pair.settle(commit, PATIENCE)
        status = pair.ingest.client.status()
        self.assertEqual((status["documents"], status["stalled"], status["last_error"]), (len(self.tree), None, None))
        self.assertEqual(status["engine"], {"kind": "elasticsearch"})

    def wait_for_status(self, pair, member, words):
        def said():
            status = pair.ingest.client.status()
            return status if words in (status[member] or "") else None

        return wait_until(said, lambda: f"{member} says {words!r}: {pair.ingest.client.status()}\n{pair.ingest.tail()}", PATIENCE)

    def assert_no_index(self):
        self.assertEqual(self.server.request("GET", f"/{ALIAS}-*?expand_wildcards=all&allow_no_indices=true").json, {})

    def run_once(self, options):
        """One run of what has been published: (exit code, what it said)."""
        ingest = Ingest(self.folder / "pod", self.processes[0].link, one_time=True, log_name="once.log", **options)
        code, said = ingest.run(PATIENCE)
        self.assert_no_secret_in(said)
        return code, said

    def test_the_documented_role_is_enough_for_everything_that_an_agent_does(self):
        pair = self.pair(self.by_password(self.secret_file(self.set_password(self.new_password()))))
        self.level(pair, self.push(b"first.md"))
        self.level(pair, self.push(b"second.md"))
        client = pair.ingest.client
        self.assertEqual(client.search("second")["hits"][0]["path"], "second.md")
        self.assertEqual(len(client.documents()), len(self.tree))
        self.assertEqual(client.quarantine(), [])

        (physical,) = self.server.request("GET", f"/_alias/{ALIAS}").json
        self.assertIn("cjk_bigram", json.dumps(self.server.request("GET", f"/{physical}/_settings").json))  # it could ask what the cluster has
        found = self.server.request("POST", f"/{ALIAS}/_search", {"query": {"term": {"path": "second.md"}}}).json["hits"]["hits"]
        self.server.request("DELETE", f"/{physical}/_doc/{found[0]['_id']}?refresh=true")
        wait_until(lambda: client.search("second")["total"] == 1, lambda: f"the audit brings the document back\n{pair.ingest.tail()}", PATIENCE)
        self.server.request("POST", f"/{physical}/_close")
        self.level(pair, self.push(b"after-closing.md"))
        self.server.request("PUT", f"/{physical}/_settings", {"index.blocks.write": True})
        self.level(pair, self.push(b"after-blocking.md"))
        self.server.request("POST", "/_aliases", {"actions": [{"remove": {"index": physical, "alias": ALIAS}}]})
        has_alias = lambda: self.server.request("GET", f"/_alias/{ALIAS}", expected=None).status == 200
        wait_until(has_alias, lambda: f"the alias comes back\n{pair.ingest.tail()}", PATIENCE)
        self.assertEqual(client.resync("audit", wait=PATIENCE).json["outcome"], "succeeded")
        self.assertEqual(client.resync("rewrite", wait=PATIENCE).json["outcome"], "succeeded")
        self.assertNotIn(physical, self.server.request("GET", f"/{ALIAS}-*").json)

    def test_without_one_of_its_privileges_an_agent_stalls_and_says_which_request_was_refused(self):
        pair = self.pair(self.by_password(self.secret_file(self.set_password(self.new_password()))))
        self.level(pair, self.push(b"third.md"))
        pair.ingest.stop()
        self.remove_indexes()
        role = documented_role()
        for privilege in role["cluster"] + role["indices"][0]["privileges"]:
            with self.subTest(privilege):
                self.put_role(without(role, privilege), "less")
                password = self.set_password(self.new_password(), "less")
                code, said = self.run_once(self.by_password(self.secret_file(password, "less")))
                self.assertEqual(code, 1, said)
                self.assertRegex(said, r"run stalled.*answered with status 403.*give the agent's user this privilege")
                self.remove_indexes()
        # What the cluster can analyze need not be asked when it is said.
        self.put_role({**role, "cluster": []}, "less")
        file = self.secret_file(self.set_password(self.new_password(), "less"))
        code, said = self.run_once({**self.by_password(file), "engine_analysis": "standard"})
        self.assertEqual(code, 0, said)

    def test_a_wrong_password_stalls_the_agent_until_the_file_has_the_right_one(self):
        right = self.set_password(self.new_password())
        file = self.secret_file(self.new_password())
        pair = self.pair(self.by_password(file))
        commit = self.push(b"fourth.md")
        pair.sync.hint()
        status = self.wait_for_status(pair, "stalled", "401")
        words = f"was answered with 401: the cluster does not take user 'agent' with the password of {file}"
        self.assertTrue(status["stalled"].endswith(words), status["stalled"])
        self.assertIsNone(status["last_success"])
        self.assertEqual(pair.ingest.client.get("/readyz", (503,)).status, 503)
        self.assert_no_index()
        self.secret_file(right)
        self.level(pair, commit)  # nobody starts it again

    def test_a_rotated_password_is_read_without_a_restart(self):
        file = self.secret_file(self.set_password(self.new_password()))
        pair = self.pair(self.by_password(file))
        self.level(pair, self.push(b"fifth.md"))
        # The file first, as a careful operator does it, or the cluster first.
        password = self.new_password()
        self.secret_file(password)
        self.level(pair, self.push(b"sixth.md"))
        self.set_password(password)
        self.level(pair, self.push(b"seventh.md"))
        password = self.set_password(self.new_password())
        commit = self.push(b"eighth.md")
        pair.sync.hint()
        self.wait_for_status(pair, "stalled", "401")
        self.secret_file(password)
        self.level(pair, commit)

    def test_an_api_key_logs_in_and_is_read_again_when_it_was_replaced(self):
        def new_key():
            key = self.server.request("POST", "/_security/api_key", {"name": "agent", "role_descriptors": {"tidemark": documented_role()}}).json
            self.secrets.extend((key["api_key"], key["encoded"]))
            return key

        first, second = new_key(), new_key()
        file = self.secret_file(first["encoded"])
        pair = self.pair(self.options(engine_api_key_file=file))
        self.level(pair, self.push(b"ninth.md"))
        self.secret_file(f"{second['id']}:{second['api_key']}")
        self.server.request("DELETE", "/_security/api_key", {"ids": [first["id"]]})
        self.level(pair, self.push(b"tenth.md"))
        self.server.request("DELETE", "/_security/api_key", {"ids": [second["id"]]})
        self.wait_for_status(pair, "stalled", f"the cluster does not take the API key of {file}")

    def test_another_authority_than_the_servers_is_refused_in_words(self):
        key = self.folder / "key.pem"
        other = self.folder / "other.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            + ["-subj", "/CN=another authority", "-keyout", key, "-out", other],
            check=True,
            capture_output=True,
        )
        right = self.by_password(self.secret_file(self.set_password(self.new_password())))
        for ca_file in (other, None):  # None: the system's
            with self.subTest(ca_file=ca_file):
                pair = self.pair({**right, "engine_ca_file": ca_file})
                commit = self.push(b"eleventh.md")
                pair.sync.hint()
                status = self.wait_for_status(pair, "last_error", self.server.url)
                self.assertRegex(status["last_error"], "certificate")
                self.assert_no_index()
                pair.close()
        pair = self.pair(right)
        self.level(pair, commit)


if __name__ == "__main__":
    unittest.main()
