#!/usr/bin/env python3
"""Documents that lost or corrupted the index of others, case by case, on a real search server: their number, length, keys and size."""

import json

from tidemark_e2e.engine_case import BULK, MIB, EngineCase, main
from tidemark_e2e.git import File
from tidemark_e2e.index import compare_listing


class Sizes(EngineCase):
    def test_12_50_thousands_of_paths_in_one_push_and_more_of_them_than_one_page_of_a_listing_holds(self):
        stage = self.stage
        name = lambda folder, number: b"%s/%s/%05d.md" % (folder, b"long" * 40, number)
        files = [File(stage.writer.words("p").encode() + b"\n") for _ in range(10_500)]
        stage.tree = {name(b"a", number): file for number, file in enumerate(files)}
        stage.start()
        # What lies beyond the first page is compared, too.
        stage.fault()
        search = {"size": 2, "_source": ["path"], "sort": [{"path_key": "desc"}]}
        last = stage.request("POST", f"/{stage.cluster.alias}/_search", search).json["hits"]["hits"]
        self.assertEqual(last[0]["_source"]["path"], name(b"a", 10_499).decode())
        for hit in last:
            stage.request("DELETE", f"/{stage.physical()}/_doc/{hit['_id']}?refresh=true")
        stage.level(stage.bare.tip(), modes=("audit",))
        commit = self.push({name(b"b", number): file for number, file in enumerate(files)})
        self.assertEqual(compare_listing(stage.oracle.expect(commit), self.client), [])

    def test_13_paths_of_any_length_have_ids_of_one_length_and_those_beyond_the_limit_are_quarantined(self):
        stage = self.stage
        stage.start()
        lengths = (512, 513, 1000, 4096, 4097, 15_999, 16_001, 60_000)
        path = lambda length: b"/".join([b"x" * 200] * (length // 201)).ljust(length - 3, b"y") + b".md"
        tree = {**stage.tree, **{path(length): self.page() for length in lengths}}
        self.push(tree)
        ids = {len(document) for document in stage.content_ids()}
        self.assertEqual(ids, {22}, "16 bytes in base64url")
        reasons = self.reasons()
        self.assertEqual(sorted(map(len, reasons)), [length for length in lengths if length > 4096])
        for shown, reason in reasons.items():
            self.assertIn(f"the path has {len(shown)} bytes", reason)
        self.assertEqual(self.client.status()["quarantine"], 4)
        # They are replaced, stay when others change, are found again by an audit and a new index, and go with their file.
        self.push({**stage.tree, path(16_001): self.page(), path(60_000): self.page()})
        self.push({**stage.tree, b"other.md": self.page()})
        for mode in ("audit", "rewrite"):
            self.client.resync(mode, wait=60, expected=(200,))
            stage.level(stage.bare.tip())
        self.push({name: file for name, file in stage.tree.items() if len(name) < 16_000})
        self.assertEqual(self.client.status()["quarantine"], 2)

    def test_14_a_word_longer_than_a_term_may_be_keeps_no_document_out(self):
        stage = self.stage
        stage.start()
        word = b"w" * 40_000
        front = [b'title: "%s"', b"tags: [%s]", b"id: %s", b"url: https://example.com/%s", b"lang: %s", b"key: {deep: [%s]}", b'"%s": 1']
        named = zip(b"alpha beta gamma delta epsilon zeta eta".split(), front)
        pages = {b"long/%s.md" % name: File(b"---\n%s\n---\n\n# %s\n" % (line % word, name)) for name, line in named}
        pages[b"long/heading.md"] = File(b"# %s\n\nbesideword\n" % word)
        pages[b"long/kanji.md"] = File("# 題\n\n".encode() + "漢".encode() * 40_000 + b"\n")
        pages[b"long/data.json"] = File(json.dumps({word.decode(): word.decode(), "a": "besideword"}).encode())
        pages[b"long/data.yaml"] = File(b"%s: %s\na: besideword\n" % (word[:1000], word))
        self.push({**stage.tree, **pages})
        self.assertEqual(self.reasons(), {})
        self.assertEqual(self.found("delta"), ["long/delta.md"])
        self.assertEqual(self.found("besideword"), ["long/data.json", "long/data.yaml", "long/heading.md"])

    def test_45_thousands_of_front_matter_keys_are_no_fields_of_the_mapping(self):
        stage = self.stage
        stage.start()
        before = stage.request("GET", f"/{stage.physical()}/_mapping").json
        keys = lambda number: b"".join(b"key-%d-%d: value%d\n" % (number, key, key) for key in range(1500))
        pages = {b"keys/%d.md" % number: File(b"---\n%s---\n\n# manykeys\n" % keys(number)) for number in range(4)}
        self.push({**stage.tree, **pages})
        self.assertEqual(self.found("manykeys"), sorted(name.decode() for name in pages))
        self.assertEqual(stage.request("GET", f"/{stage.physical()}/_mapping").json, before)

    def test_44_one_key_may_be_a_scalar_a_list_and_an_object_in_different_pages(self):
        stage = self.stage
        stage.start()
        values = [b"1", b"text", b"2020-01-01", b"[1, two]", b"{a: 1}", b"{a: {b: []}}", b"[{a: 1}, [2], three]", b"true", b"~", b'""', b"1.5e300"]
        names = [b"author", b"title", b"tags", b"date", b"draft", b"description", b"id", b"url", b"sections", b"oid", b"path"]
        page = lambda value: File(b"---\n" + b"".join(b"%s: %s\n" % (name, value) for name in names) + b"---\n\n# mixedword\n")
        for order in (values, values[::-1]):  # whichever comes first does not decide what may follow
            tree = dict(stage.tree)
            for at, value in enumerate(order):
                tree[b"mixed/%02d.md" % at] = page(value)
                data = {"author": at if at % 2 else {"x": [at]}, "mixed": [at, {"y": "mixedword"}]}
                tree[b"mixed/%02d.json" % at] = File(json.dumps(data).encode())
            self.push(tree)
            self.assertEqual(self.reasons(), {})
            self.assertEqual(len(self.found("mixedword")), 2 * len(values))
            self.client.resync("rewrite", wait=60, expected=(200,))
            stage.level(stage.bare.tip())


class Packed(EngineCase):
    stage_options = {"engine_compression": "gzip", "bulk_bytes": "1MiB"}

    def test_25_a_bulk_is_bounded_by_its_unpacked_bytes_however_small_gzip_makes_it(self):
        stage = self.stage
        stage.start()
        page = lambda: File(b"# %s\n\n" % stage.writer.marker("h").encode() + b"again " * (256 * 1024 // 6) + b"\n")
        tree = lambda: {**stage.tree, **{b"big/%02d.md" % number: page() for number in range(12)}}
        stage.proxy.forget_counts()
        self.push(tree())
        (bulks,) = [count for key, count in stage.proxy.counts().items() if key.endswith("/_bulk")]
        self.assertLess(bulks["request_bytes"], 64 * 1024, "gzip was not used")
        self.assertLessEqual(bulks["largest_unpacked"], MIB)
        # A server's limit is on unpacked bytes, too: what it refused once it is not sent again.
        too_large = {**BULK, "do": "answer", "status": 413, "larger": 400 * 1024}
        stage.proxy.rules(too_large)
        self.push(tree())
        self.assertGreater(stage.proxy.hits(), [0])
        stage.proxy.rules(too_large)
        self.push(tree())
        self.assertEqual(stage.proxy.hits(), [0])


if __name__ == "__main__":
    main(__doc__)
