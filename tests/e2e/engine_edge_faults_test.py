#!/usr/bin/env python3
"""What a server or an operator did to the index of others, case by case, on a real search server: what no cell of the fault matrix shows."""

import json
import shutil
from pathlib import Path

from tidemark_e2e.engine_case import BULK, MIB, OPTIONS, EngineCase, main
from tidemark_e2e.environment import wait_until
from tidemark_e2e.git import Bare, File
from tidemark_e2e.index import compare_listing, compare_rows
from tidemark_e2e.oracle import Oracle, is_wanted
from tidemark_e2e.processes import Ingest, Sync


def translog_folder(stage, physical):
    """Of its one shard, on this machine's disk: what the server cannot open it without."""
    (node,) = stage.request("GET", "/_nodes/settings").json["nodes"].values()
    uuid = stage.request("GET", f"/{physical}/_settings").json[physical]["settings"]["index"]["uuid"]
    data = node["settings"]["path"]["data"]
    (folder,) = Path(data if isinstance(data, str) else data[0]).glob(f"**/indices/{uuid}/0/translog")
    return folder


class Sources(EngineCase):
    def test_another_repository_under_the_same_name_is_refused_until_it_is_adopted(self):
        stage = self.stage
        commit = stage.start()
        self.assertEqual(stage.ingest.stop(), 0)
        other = Bare(stage.folder / "elsewhere.git")
        theirs = other.push({b"theirs.md": self.page()})
        sync = Sync(stage.folder.path, other.path, root=stage.folder / "elsewhere", log_name="other-sync.log", checkout="none", one_time=True)
        self.assertEqual(sync.run()[0], 0)
        agent = lambda **more: Ingest(stage.folder.path, sync.link, log_name="other.log", one_time=True, **stage.ingest_options(), **more)
        code, said = agent().run()
        self.assertEqual(code, 1)
        self.assertIn("--adopt", said)
        self.assertEqual(compare_rows(stage.oracle.expect(commit), stage.cluster.rows(), stage.oracle), [])
        self.assertEqual(agent(adopt=True).run()[0], 0)
        oracle = Oracle(other.path)
        self.addCleanup(oracle.close)
        self.assertEqual(compare_rows(oracle.expect(theirs), stage.cluster.rows(), oracle), [])


class Refusals(EngineCase):
    def sections(self, count):
        return File("".join(f"# {self.stage.writer.marker('h')}\n\n{self.stage.writer.words('p')}\n\n" for _ in range(count)).encode())

    def test_30_31_refused_documents_are_listed_and_counted_with_the_servers_reason_and_retried(self):
        stage = self.stage
        stage.start()
        limit = lambda value: stage.request("PUT", f"/{stage.physical()}/_settings", {"index.mapping.nested_objects.limit": value})
        limit(3)
        refused = [b"refused/%d.md" % number for number in range(4)]
        fine = [b"fine/%d.md" % number for number in range(9)]
        stage.fault()
        stage.tree = {**stage.tree, **{name: self.sections(6) for name in refused}, **{name: self.sections(2) for name in fine}}
        commit = stage.publish()
        stage.ingest.wait_for(commit)
        (run,) = [run for run in stage.runs_since() if run["mode"] == "diff"]
        self.assertEqual((run["outcome"], run["upserted"], run["quarantined"], run["removed"]), ("succeeded", 9, 4, 0))
        self.assert_refused(commit, refused)
        # Nobody asks: they stay refused, and nothing is sent for them.
        commit = stage.publish_with(b"fine/0.md", self.sections(1))
        stage.ingest.wait_for(commit)
        self.assertEqual(stage.runs_since()[0]["quarantined"], 0)
        self.assert_refused(commit, refused)
        # A file that changes is tried again, and all are when an operator says so.
        commit = stage.publish_with(refused[0], self.sections(2))
        stage.ingest.wait_for(commit)
        self.assert_refused(commit, refused[1:])
        limit(10_000)
        run = self.client.post("/api/v1/quarantine/retry").json["run"]
        wait_until(lambda: self.client.get(f"/api/v1/runs/{run}").json["outcome"] == "succeeded", lambda: f"run {run} ends\n{stage.ingest.tail()}")
        stage.level(commit)
        self.assertEqual(self.reasons(), {})
        self.assertEqual(self.client.status()["quarantine"], 0)

    def assert_refused(self, commit, refused):
        stage = self.stage
        reasons = self.reasons()
        self.assertEqual(sorted(reasons), [name.decode() for name in refused])
        for reason in reasons.values():
            self.assertRegex(reason, "(?i)the engine refused it: .*nested")
        expectation = stage.oracle.expect(commit)
        for name in refused:
            expectation.refused[name] = expectation.documents.pop(name)
        self.assertEqual(stage.differences_from(expectation), [])
        status = self.client.status()
        self.assertEqual((status["documents"], status["quarantine"]), (len(expectation.documents), len(refused)))
        self.assertEqual(self.client.metrics()["tidemark_ingest_quarantined_documents"], len(refused))

    def test_51_a_server_that_turns_every_item_away_makes_nothing_grow(self):
        stage = self.stage
        stage.start()
        stage.proxy.rules({**BULK, "do": "items", "every": 1, "status": 429, "type": "es_rejected_execution_exception"})
        stage.fault()
        line = b" ".join(b"word%03d" % number for number in range(500)) + b"\n"
        stage.tree.update({b"many/%04d.md" % number: self.page(line) for number in range(2000)})
        commit = stage.publish()
        stage.fails(commit, "turned away", "429")
        tries = lambda least: wait_until(lambda: stage.proxy.hits()[0] >= least, f"{least} tries", 60, 0.05)
        tries(4)
        early = stage.ingest.anonymous_memory()
        tries(10)
        late = stage.ingest.anonymous_memory()
        self.assertLess(late - early, 4 * MIB)
        self.assertLess(late, 40 * MIB)
        stage.proxy.rules()
        stage.level(commit)


class Operators(EngineCase):
    def test_38_what_was_written_without_a_refresh_is_removed_like_anything_else(self):
        stage = self.stage
        stage.start()
        stage.proxy.forget_counts()
        stage.proxy.rules({"do": "hold", "method": "POST", "path": "/_refresh", "times": 1})
        before = dict(stage.tree)
        stage.tree.update({b"short/%03d.md" % number: self.page() for number in range(150)})
        stage.publish()
        stage.proxy.await_held(1)
        stage.ingest.kill()
        stage.proxy.rules({"do": "reset-before", "method": "POST", "path": "/_refresh", "times": 1})
        stage.proxy.release()
        stage.tree = before
        commit = stage.publish()
        stage.fault()
        stage.ingest.start()
        stage.level(commit)
        self.assertFalse([key for key in stage.proxy.counts() if "by_query" in key])

    def test_41_a_pipeline_that_alters_documents_gets_none_of_them(self):
        stage = self.stage
        pipeline, template = stage.cluster.alias + "-pipeline", stage.cluster.alias + "-template"
        processors = [{"set": {"field": field, "value": "altered"}} for field in ("id", "title", "_id")]
        self.addCleanup(stage.request, "DELETE", f"/_ingest/pipeline/{pipeline}")
        self.addCleanup(stage.request, "DELETE", f"/_index_template/{template}")
        stage.request("PUT", f"/_ingest/pipeline/{pipeline}", {"processors": processors})
        altering = {"index.default_pipeline": pipeline, "index.final_pipeline": pipeline}
        body = {"index_patterns": [stage.cluster.alias + "-*"], "priority": 500, "template": {"settings": altering}}
        stage.request("PUT", f"/_index_template/{template}", body)
        stage.tree[b"own-id.md"] = File(b"---\nid: mine\ntitle: Mine\n---\n\npage\n")
        stage.start()
        self.assert_unaltered()
        # Somebody puts it before an index that is there already. Every request goes past a default; a final one takes a new index.
        for setting, modes in (("default_pipeline", ("diff",)), ("final_pipeline", ("rebuild",))):
            stage.fault()
            stage.request("PUT", f"/{stage.physical()}/_settings", {f"index.{setting}": pipeline})
            stage.level(stage.push(), modes=modes)
            self.assert_unaltered()
        stage.log_says(f"final_pipeline to {pipeline}")
        stage.level(stage.push())
        self.assert_unaltered()

    def assert_unaltered(self):
        rows = self.stage.cluster.rows()
        self.assertEqual([path for path, row in rows.items() if "altered" in (row.get("id"), row.get("title"))], [])
        self.assertEqual((rows[b"own-id.md"]["id"], rows[b"own-id.md"]["title"]), ("mine", "Mine"))

    def test_56_a_red_index_is_named_and_goes_on_when_its_shard_is_back(self):
        stage = self.stage
        stage.start()
        physical = stage.physical()
        translog = translog_folder(stage, physical)
        stage.freeze()
        stage.request("POST", f"/{physical}/_close")
        translog.rename(translog.with_name("away"))
        stage.request("POST", f"/{physical}/_open?wait_for_active_shards=0")
        shard = {"index": physical, "shard": 0, "primary": True}
        explanation = lambda: stage.request("POST", "/_cluster/allocation/explain", shard, expected=None).json
        wait_until(lambda: "max_retry" in json.dumps(explanation()), lambda: f"the server gives the shard up: {explanation()}", pause=0.1)
        self.assertEqual(stage.request("GET", f"/_cluster/health/{physical}", expected=None).json["status"], "red")
        self.assertEqual(stage.request("POST", f"/{stage.cluster.alias}/_search", {}, expected=None).status, 503)
        stage.thaw()
        commit = stage.push()
        stage.fails(commit, "shard")
        self.assertEqual(stage.physical(), physical, "a red index is no reason to make another")
        shutil.rmtree(translog, ignore_errors=True)
        translog.with_name("away").rename(translog)
        stage.request("POST", "/_cluster/reroute?retry_failed=true")
        stage.level(commit)

    def test_56_an_audit_whose_point_in_time_is_gone_acts_upon_nothing_and_is_made_again(self):
        stage = self.stage
        commit = stage.start()
        stage.proxy.rules({"do": "hold", "method": "POST", "path": "/_search.filter_path=pit_id", "times": 1})
        stage.fault()
        for document in stage.content_ids()[:3]:
            stage.request("DELETE", f"/{stage.physical()}/_doc/{document}?refresh=true")
        (held,) = stage.proxy.await_held(1)
        point = json.loads(held["body"])["pit"]["id"]
        if "opensearch" in OPTIONS.engine:
            stage.request("DELETE", "/_search/point_in_time", {"pit_id": [point]})
        else:
            stage.request("DELETE", "/_pit", {"id": point})
        stage.proxy.release()
        stage.level(commit, modes=("audit",))
        failed = [run for run in stage.runs_since() if run["outcome"] == "failed"]
        self.assertEqual([(run["upserted"], run["removed"]) for run in failed], [(0, 0)])
        self.assertRegex(failed[0]["error"], "(?i)context|point in time|pit")

    def test_58_a_changed_selection_removes_what_it_no_longer_takes_and_brings_it_back(self):
        stage = self.stage
        commit = stage.start()
        expect = lambda wanted: stage.oracle.expect(commit, lambda path: is_wanted(path) and wanted(path))
        changes = [
            ({"exclude": "docs/**"}, lambda path: not path.startswith(b"docs/")),
            ({"exclude": None, "include": "*.md"}, lambda path: path.endswith(b".md")),
            ({"include": None}, lambda path: True),
        ]
        for options, wanted in changes:
            self.assertEqual(stage.ingest.stop(), 0)
            stage.ingest.options.update(options)
            stage.ingest.start().wait_alive()
            expectation = expect(wanted)
            wait_until(lambda: self.client.status()["documents"] == len(expectation.documents), lambda: f"{options}\n{stage.ingest.tail()}")
            self.assertEqual(stage.differences_from(expectation), [])
            self.assertEqual(compare_listing(expectation, self.client), [])


if __name__ == "__main__":
    main(__doc__)
