#!/usr/bin/env python3
"""script/engine: each engine starts, answers, stops, and goes on with its data; what can't be is refused in words."""

import pathlib
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from tidemark_e2e.engine import SCRIPT, SearchServer, ask, engine_names, script_engine
from tidemark_e2e.environment import Folder, free_port


class ScriptEngine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.common = Folder("tidemark-engine-")
        cls.addClassCleanup(cls.common.close)
        cls.started = {}

    def common_server(self, name):
        """One for all tests, as its defaults make it."""
        if name not in self.started:
            self.started[name] = SearchServer(name, self.common / name)
            self.addClassCleanup(self.started[name].close)
        return self.started[name].start()

    def setUp(self):
        self.folder = Folder("tidemark-engine-")
        self.addCleanup(self.folder.close)

    def server(self, name, folder=None, **options):
        server = SearchServer(name, folder or self.folder / name, **options)
        self.addCleanup(server.close)
        return server

    def refused(self, words, *arguments):
        result = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(words, result.stderr)

    def test_data_survive_a_stop_and_a_kill_and_come_back_from_a_snapshot(self):
        for name in engine_names():
            with self.subTest(name):
                server = self.common_server(name)
                server.request("PUT", "/kept/_doc/1", {"n": 1})
                server.stop()
                with self.assertRaises(ConnectionRefusedError):
                    server.request("GET", "/")
                server.start()
                server.request("PUT", "/kept/_doc/2", {"n": 2})
                server.kill()
                server.start()
                kept = lambda: [server.request("GET", f"/kept/_source/{n}").json for n in (1, 2)]
                self.assertEqual(kept(), [{"n": 1}, {"n": 2}])
                server.request("PUT", "/_snapshot/here", {"type": "fs", "settings": {"location": "here"}})
                server.request("PUT", "/_snapshot/here/one?wait_for_completion=true", {"indices": "kept"})
                server.request("DELETE", "/kept")
                server.request("POST", "/_snapshot/here/one/_restore?wait_for_completion=true", {"indices": "kept"})
                self.assertEqual(kept(), [{"n": 1}, {"n": 2}])

    def test_a_second_start_finds_the_first_unless_it_asks_for_something_else(self):
        server = self.common_server("opensearch")
        self.assertEqual(script_engine("start", "opensearch", "--dir", server.folder), server.url)
        self.assertEqual(script_engine("url", "opensearch", "--dir", server.folder), server.url)
        self.assertIn(server.url, script_engine("status", "opensearch", "--dir", server.folder))
        self.refused("runs already", "start", "opensearch", "--dir", server.folder, "--heap", "600m")
        self.refused(f"port {server.port} is taken", "start", "opensearch", "--dir", self.folder / "other", "--port", str(server.port))
        other = self.server("opensearch", self.folder / "other").start()
        other.request("PUT", "/mine/_doc/1", {})
        self.assertEqual(server.request("GET", "/mine/_doc/1", expected=None).status, 404)
        other.stop()

    def test_opensearch_has_the_plugins_that_are_asked_for(self):
        def plugins(server):
            (node,) = server.request("GET", "/_nodes/plugins").json["nodes"].values()
            return node["version"], {plugin["name"] for plugin in node["plugins"] if plugin["name"].startswith("analysis-")}

        server = self.server("opensearch", plugins="none").start()
        self.assertEqual(plugins(server)[1], set())
        server.stop()
        version, found = plugins(self.common_server("opensearch"))
        if version.startswith("2."):  # the newest that the JDK here runs; Maven Central has none for it
            self.assertEqual(found, set())
            return
        self.assertEqual(found, {"analysis-icu", "analysis-kuromoji"})
        server = self.server("opensearch", self.folder / "icu", plugins="icu").start()
        self.assertEqual(plugins(server)[1], {"analysis-icu"})

    def test_elasticsearch_analyzes_as_its_full_distribution_does_as_far_as_the_schema_asks(self):
        chain = {
            "char_filter": [{"type": "mapping", "mappings": ["\\u005F => \\u0020", "\\u0301 => "]}],
            "tokenizer": "standard",
            "filter": [
                *("cjk_width", "lowercase", "asciifolding"),
                {"type": "cjk_bigram", "output_unigrams": True},
                *({"type": "stemmer", "language": language} for language in ("possessive_english", "english")),
            ],
            "text": "John's foo_bars E\u0301\u00e9 \u6771\u4eac\u90fd \uff8a\uff9f",
        }
        tree = {"tokenizer": "path_hierarchy", "text": "a/b/c"}

        def tokens(name):
            server = self.common_server(name)
            return [[token["token"] for token in server.request("POST", "/_analyze", body).json["tokens"]] for body in (chain, tree)]

        # OpenSearch has the module itself, so it says what is right.
        self.assertEqual(tokens("elasticsearch"), tokens("opensearch"))
        self.assertEqual(tokens("opensearch")[1], ["a", "a/b", "a/b/c"])
        bare = self.server("elasticsearch", self.folder / "bare", plugins="none").start()
        self.assertEqual(bare.request("POST", "/_analyze", tree, expected=None).status, 400)

    def test_elasticsearch_asks_for_the_password_over_tls_of_its_own_ca(self):
        server = self.server("elasticsearch", password='a "b\\c$', tls=True).start()
        self.assertEqual(server.request("GET", "/_cluster/health").status, 200)
        for password in ("wrong", "", 'a "b\\c'):
            self.assertEqual(ask(server.url, "GET", "/_cluster/health", user=("elastic", password), ca_file=server.ca_file).status, 401)
        with self.assertRaises(ssl.SSLCertVerificationError):
            ask(server.url, "GET", "/_cluster/health")

        key = server.request("POST", "/_security/api_key", {"name": "agent"}).json["encoded"]
        self.assertEqual(ask(server.url, "GET", "/_cluster/health", ca_file=server.ca_file, authorization=f"ApiKey {key}").status, 200)

        server.request("POST", "/_security/user/elastic/_password", {"password": "rotated"})
        self.assertEqual(server.request("GET", "/_cluster/health", expected=None).status, 401)
        server.kill()
        self.assertEqual(server.start().request("GET", "/_cluster/health", password="rotated").status, 200)

    def test_what_does_not_run_is_said(self):
        folder = self.folder / "none"
        self.refused("does not run", "url", "opensearch-3", "--dir", folder)
        self.assertEqual(subprocess.run([SCRIPT, "status", "opensearch-3", "--dir", folder], capture_output=True).returncode, 3)
        script_engine("stop", "opensearch-3", "--dir", folder)

    def test_what_can_not_be_is_refused(self):
        self.refused("there is no 'solr'", "start", "solr")
        self.refused("there is no 'opensearch-1'", "start", "opensearch-1")
        self.refused("start which engine?", "start")
        self.refused("unknown argument: --prot", "start", "opensearch-3", "--prot", "1")
        self.refused("--port needs a value", "start", "opensearch-3", "--port")
        self.refused("--port is a number", "start", "opensearch-3", "--port", "http")
        self.refused("--heap is a size", "start", "opensearch-3", "--heap", "lots")
        self.refused("no plugin 'icu' for opensearch-2", "start", "opensearch-2", "--plugins", "icu")
        self.refused("are for Elasticsearch", "start", "opensearch-3", "--password", "secret", "--tls")
        self.refused("at least 6 characters", "start", "elasticsearch-8", "--password", "short")
        self.refused("--tls needs --password", "start", "elasticsearch-8", "--tls")

    def test_what_does_not_start_says_why(self):
        broken = self.folder / "broken"
        (broken / "data").mkdir(parents=True)
        (broken / "data" / "nodes").write_text("not a folder")
        self.refused("did not start", "start", "opensearch", "--dir", broken, "--port", str(free_port()))


if __name__ == "__main__":
    unittest.main()
