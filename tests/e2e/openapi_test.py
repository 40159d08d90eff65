#!/usr/bin/env python3
"""docs/openapi.yaml against the sources and a running tidemark-ingest, both ways: every route is described, every described answer was given and has its shape."""
import json
import os
import re
import subprocess
import threading
import unittest
from urllib.parse import quote

import jsonschema
import yaml

from tidemark_e2e.client import request
from tidemark_e2e.environment import PROJECT, Folder, binary, wait_until
from tidemark_e2e.git import Bare, File, git
from tidemark_e2e.processes import Ingest

UNKNOWN = "a" * 40
DOCUMENTS = 300  # so many that removing nearly all of them is refused


def inlined(node, whole):
    """A schema of OpenAPI 3.0 as JSON Schema: references replaced, `nullable` spelt out."""
    if isinstance(node, list):
        return [inlined(item, whole) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = whole
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return inlined(target, whole)
    out = {name: inlined(value, whole) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [{"type": "null"}, out]} if node.get("nullable") is True else out


class Description:
    def __init__(self):
        with open(PROJECT / "docs/openapi.yaml", encoding="utf-8") as page:
            self.page = yaml.safe_load(page)
        self.operations = {(path, method): inlined(operation, self.page) for path, methods in self.page["paths"].items() for method, operation in methods.items()}
        self.seen = set()

    def operation_of(self, method, target):
        path = target.split("?")[0]
        if (path, method) in self.operations:
            return path
        for template, its_method in self.operations:
            if its_method == method and "{" in template and path.startswith(template[: template.index("{")]):
                return template
        raise AssertionError(f"{method} {path} is not described")

    def check(self, method, target, answer):
        template = self.operation_of(method, target)
        responses = self.operations[template, method]["responses"]
        key = str(answer.status) if str(answer.status) in responses else "default"
        described = responses[key]
        where = f"{method} {target[:200]} -> {answer.status} {answer.body[:1000].decode(errors='replace')}"
        content = described["content"]
        assert answer.headers["content-type"] in content, f"{where}: {answer.headers['content-type']} is not described"
        schema = content[answer.headers["content-type"]]["schema"]
        value = json.loads(answer.body) if "json" in answer.headers["content-type"] else answer.body.decode()
        try:
            jsonschema.Draft7Validator(schema).validate(value)
        except jsonschema.ValidationError as error:
            raise AssertionError(f"{where}: {error.message} at {list(error.absolute_path)}") from None
        if isinstance(value, dict) and str(value.get("type", "")).startswith("urn:tidemark:problem:"):
            word = value["type"].removeprefix("urn:tidemark:problem:")
            assert f"`{word}`" in described["description"], f"{where}: the description does not name `{word}`"
            assert value["status"] == answer.status, where
        missing = [name for name in described.get("headers", {}) if name.lower() not in answer.headers]
        assert not missing, f"{where}: lacks the headers {missing}"
        self.seen.add((template, method, key))
        return value

    def unseen(self):
        return sorted((path, method, status) for (path, method), operation in self.operations.items() for status in operation["responses"]
                      if (path, method, status) not in self.seen)


class Volume:
    """A root as sync publishes it, with a link that can also be pointed to where nothing is."""

    def __init__(self, folder):
        self.root, self.bare = folder / "root", Bare(folder / "origin.git")
        git("init", "--quiet", self.root)
        git("config", "remote.origin.url", "https://host.example/team/docs.git", cwd=self.root)
        self.link = self.root / "current"

    def publish(self, tree):
        commit = self.bare.push(tree)
        git("fetch", "--quiet", self.bare.path, commit, cwd=self.root)
        git("worktree", "add", "--quiet", "--detach", "--no-checkout", self.root / ".worktrees" / commit, commit, cwd=self.root)
        (self.root / ".worktrees" / commit / ".git").write_text(f"gitdir: ../../.git/worktrees/{commit}\n")
        self.point_to(commit)
        return commit

    def point_to(self, commit):
        os.symlink(f".worktrees/{commit}", self.root / "tmp-link")
        os.replace(self.root / "tmp-link", self.link)


class Documented(unittest.TestCase):
    def setUp(self):
        self.description = Description()

    def test_every_route_of_the_sources_is_described_and_the_other_way_round(self):
        routes = set()
        for source in sorted((PROJECT / "ingest").rglob("*.cpp")):
            text = source.read_text()
            found = re.findall(r'\broute\("([A-Z]+)", "([^"]+)"', text)
            self.assertEqual(len(found), len(re.findall(r"[.>]route\(", text)), f"{source}: a route that this test cannot read")
            routes.update(found)
        described = {(method.upper(), re.sub(r"\{[a-z]+\}$", "*", path)) for path, method in self.description.operations}
        self.assertEqual(described, routes)

    def test_operations_have_names_of_their_own(self):
        names = [operation["operationId"] for operation in self.description.operations.values()]
        self.assertEqual(len(names), len(set(names)))

    def test_the_version_is_the_programs(self):
        said = subprocess.run([binary("tidemark-ingest"), "--version"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(said.split()[-1], self.description.page["info"]["version"])


class Live(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.close)
        self.description = Description()
        self.volume = Volume(self.folder.path)
        self.ingest = Ingest(self.folder.path, self.volume.link, max_file_size="1KiB").start()
        self.addCleanup(self.ingest.close)
        self.ingest.wait_alive()

    def ask(self, method, target, expected, headers=None, body=None, port=None):
        answer = request(port or self.ingest.port, method.upper(), target, headers, body)
        value = self.description.check(method, target, answer)
        self.assertEqual(answer.status, expected, f"{method} {target}: {answer.body[:500]}")
        return value

    def get(self, target, expected=200, **more):
        return self.ask("get", target, expected, **more)

    def post(self, target, expected=200, **more):
        return self.ask("post", target, expected, **more)

    def examples(self):
        """(method, a URL) of every operation."""
        for path, method in self.description.operations:
            yield method, path.replace("{id}", "1").replace("{path}", "a.md")

    def test_every_described_answer(self):
        self.before_the_first_revision()
        self.what_every_operation_refuses()
        commit = self.reading()
        self.runs()
        self.too_many_waiters()
        self.failing(commit)
        self.stalling()
        self.other_rights()
        self.assertEqual(self.description.unseen(), [], "described, but never answered")

    def before_the_first_revision(self):
        self.get("/healthz")
        self.get("/readyz", 503)
        self.assertIsNone(self.get("/api/v1/status")["checkpoint"])
        self.assertEqual(self.get("/api/v1/search?q=word"), {"total": 0, "hits": []})
        self.get("/api/v1/documents")
        self.get("/api/v1/wait?timeout=0&commit=" + UNKNOWN, 504)

    def what_every_operation_refuses(self):
        for method, target in self.examples():
            with self.subTest(method=method, target=target):
                self.ask(method, target, 403, {"Host": "evil.example"})
                self.ask(method, target, 403, {"Origin": "https://evil.example"})
                self.ask(method, target, 501, {"Transfer-Encoding": "gzip"})
                operation = self.description.operations[self.description.operation_of(method, target), method]
                if "400" in operation["responses"]:
                    detail = self.ask(method, target + "?nonsense=1", 400)["detail"]
                    known = set(detail.partition("there are: ")[2].split(", ")) - {""}
                    self.assertEqual(known, {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}, detail)
                answer = request(self.ingest.port, "PATCH", target)
                self.assertEqual((answer.status, set(answer.headers["allow"].split(", "))), (405, {"POST"} if method == "post" else {"GET", "HEAD"}))

    def reading(self):
        tree = {b"page-%03d.md" % number: File(b"# Page %d\n\nSome word.\n" % number) for number in range(DOCUMENTS)}
        tree |= {b"odd \xff\n%41#?.md": File(b"---\ntags: [a]\ndate: 2020-01-02\nextra: {deep: 1}\nbroken: [\n---\n# Odd\n"), b"list.yaml": File(b"a: word\n"),
                 b"dated.md": File(b"---\ntitle: T\ndate: 2020-01-02\ndraft: true\nextra: {deep: [1]}\n---\n\n## Section\n\nword & <b>\n\n```\ncode\n```\n"),
                 "日本/計算機.md".encode(): File("# 計算機\n\n計算機の本。\n".encode()), b"large.md": File(b"x" * 2000)}
        commit = self.volume.publish(tree)
        self.post("/api/v1/sync", body=b"not JSON", headers={"Gitsync-Hash": UNKNOWN})
        self.assertEqual(self.get(f"/api/v1/wait?timeout=60&commit={commit}")["checkpoint"]["commit"], commit)
        self.get("/readyz")
        self.get("/metrics")
        status = self.get("/api/v1/status")
        self.assertEqual((status["target"]["commit"], status["documents"], status["quarantine"]), (commit, len(tree) - 1, 1))
        self.assertEqual(self.get("/api/v1/search?q=word&limit=100")["total"], DOCUMENTS + 2)
        self.assertEqual(self.get("/api/v1/search?q=" + quote("計算"))["hits"][0]["path"], "日本/計算機.md")
        after, rows = "", []
        while after is not None:
            page = self.get("/api/v1/documents?limit=100" + after)
            rows += page["documents"]
            after = page["next"] and "&after=" + quote(page["next"])
        self.assertEqual({row["oid"] for row in rows}, {file.oid for path, file in tree.items() if path != b"large.md"})
        for path in tree.keys() - {b"large.md"}:
            self.assertEqual(bytes.fromhex(self.get("/api/v1/documents/" + quote(path, safe="/"))["path_key"]), path)
        self.get("/api/v1/documents/absent.md", 404)
        self.assertEqual([entry["path"] for entry in self.get("/api/v1/quarantine")["quarantine"]], ["large.md"])
        for method, target in self.examples():
            if method == "get":
                self.assertEqual(request(self.ingest.port, "HEAD", target).body, b"")
        return commit

    def runs(self):
        accepted = self.post("/api/v1/resync?mode=audit", 202)["run"]
        self.assertEqual(self.post("/api/v1/resync?wait=60")["outcome"], "succeeded")
        self.assertEqual(self.get(f"/api/v1/runs/{accepted}")["trigger"], "resync")
        self.post("/api/v1/quarantine/retry", 202)
        self.assertEqual(self.post("/api/v1/quarantine/retry?wait=60")["trigger"], "quarantine-retry")
        self.get("/api/v1/runs/999999", 404)
        self.assertGreater(len(self.get("/api/v1/runs")["runs"]), 2)
        # A run of hundreds of documents is rarely over before the first look at it.
        for target in ("/api/v1/resync?wait=0", "/api/v1/quarantine/retry?wait=0"):
            def outlasts(target=target):
                answer = request(self.ingest.port, "POST", target)
                self.description.check("post", target, answer)
                return answer.status == 504
            wait_until(outlasts, f"a run outlasts POST {target}")

    def too_many_waiters(self):
        stop = threading.Event()
        waiting = [threading.Thread(target=lambda: stop.is_set() or request(self.ingest.port, "GET", f"/api/v1/wait?timeout=3&commit={UNKNOWN}")) for _ in range(24)]
        for thread in waiting:
            thread.start()

        def full():
            answer = request(self.ingest.port, "GET", f"/api/v1/wait?timeout=0&commit={UNKNOWN}")
            self.description.check("get", "/api/v1/wait", answer)
            return answer.status == 503
        wait_until(full, "the places for waiters are taken")
        before = self.get("/api/v1/runs")["runs"][0]["id"]
        self.post("/api/v1/resync?wait=1", 503)
        self.post("/api/v1/quarantine/retry?wait=1", 503)
        self.post("/api/v1/sync")
        self.get("/healthz")
        self.assertLessEqual(self.get("/api/v1/runs")["runs"][0]["id"], before + 1)
        stop.set()
        for thread in waiting:
            thread.join()

    def failing(self, commit):
        self.volume.point_to(UNKNOWN)
        self.post("/api/v1/resync?wait=60", 500)
        self.post("/api/v1/quarantine/retry?wait=60", 500)
        self.assertGreater(self.get("/api/v1/status")["failures"], 0)
        self.volume.point_to(commit)
        self.assertEqual(self.post("/api/v1/resync?mode=audit&wait=60")["outcome"], "succeeded")

    def stalling(self):
        small = self.volume.publish({b"only.md": File(b"# Only\n")})
        self.post("/api/v1/sync")
        self.assertIn(f"allow-removals={small}", self.get(f"/api/v1/wait?timeout=60&commit={small}", 409)["detail"])
        self.post("/api/v1/resync?mode=audit&wait=60", 409)
        self.post("/api/v1/quarantine/retry?wait=60", 409)
        self.assertEqual(self.post(f"/api/v1/resync?mode=audit&wait=60&allow-removals={small}")["outcome"], "succeeded")
        self.assertEqual(self.get("/api/v1/status")["documents"], 1)

    def other_rights(self):
        token = self.folder / "token"
        token.write_text("s3cret\n")
        guarded = Ingest(self.folder.path, self.volume.link, self.folder / "other.db", log_name="guarded.log", token_file=token).start()
        self.addCleanup(guarded.close)

        def alive():
            try:
                return request(guarded.port, "GET", "/healthz", {"Authorization": "Bearer s3cret"}).status == 200
            except OSError:
                return False
        wait_until(alive, lambda: f"ingest answers\n{guarded.tail()}")
        for method, target in self.examples():
            self.ask(method, target, 401, port=guarded.port)
            self.ask(method, target, 401, {"Authorization": "Bearer s3cre"}, port=guarded.port)


if __name__ == "__main__":
    unittest.main()
