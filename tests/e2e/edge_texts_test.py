#!/usr/bin/env python3
"""What lost or corrupted the index of others, case by case: what stands in the files. Each text is found by its words, broken or not."""

import codecs
import unittest

from tidemark_e2e.case import EndToEnd
from tidemark_e2e.git import File


class Text(EndToEnd):
    def document(self, path):
        return self.client.document(path).json

    def test_46_dashes_and_conflict_markers_in_the_body_are_not_front_matter(self):
        self.start()
        self.push(
            {
                b"rule.md": File(b"# ruleword\n\ntext\n\n---\n\ntitle: bodyword\n\n---\n\nend\n"),
                b"late.md": File(b"\n---\ntitle: latetitle\n---\nlatebody\n"),
                b"conflict.md": File(b"<<<<<<< HEAD\nourword\n=======\ntheirword\n>>>>>>> branch\n"),
                b"open.md": File(b"---\nopenword: 1\n\nno end of it\n"),
                b"dashes.md": File(b"----\nfourword\n----\n"),
                b"only.md": File(b"---\n---\nonlyword\n"),
            }
        )
        for word, paths in {
            "bodyword": ["rule.md"],
            "ourword": ["conflict.md"],
            "theirword": ["conflict.md"],
            "openword": ["open.md"],
            "latebody": ["late.md"],
            "fourword": ["dashes.md"],
            "onlyword": ["only.md"],
        }.items():
            self.assertEqual(self.found(word), paths, word)
        self.assertNotEqual(self.document(b"rule.md")["title"], "bodyword")

    def test_47_front_matter_that_is_no_yaml_costs_nothing_but_itself(self):
        self.start()
        broken = {
            b"colon": b"title: a: b: c",
            b"quote": b'title: "open',
            b"tab": b"a:\n\tb: 1",
            b"list": b"- a\n- b",
            b"anchor": b"a: *nowhere",
            b"tag": b"a: !!python/object:os.system x",
            b"bomb": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]",
            b"at": b"title: @handle",
            b"brace": b"title: {{ page.title }}",
            b"percent": b"title: %x",
            b"twice": b"title: a\ntitle: b",
            b"binary": b"a: \xff\xfe",
            b"deep": b"a: " + b"[" * 2000,
        }
        self.push({name + b".md": File(b"---\n" + text + b"\n---\n# head" + name + b"\n\nbody" + name + b"\n") for name, text in broken.items()})
        for name in broken:
            self.assertEqual(self.found("body" + name.decode()), [name.decode() + ".md"], name)
        for name in (b"quote", b"tab", b"anchor", b"deep"):
            self.assertTrue(self.document(name + b".md")["problems"], name)

    def test_48_anchors_are_those_of_github(self):
        self.start()
        page = (
            "## Hello World\n\n## Hello World\n\nSetext *One*\n===\n\n### 計算機の歴史\n\n```\n# not a heading\n```\n\n#hashtag\n\n##### Skipped & more!\n\n## `code` in it\n\n"
            "## Hello World-1\n"
        )
        self.push({b"a.md": File(page.encode()), b"none.md": File(b"no heading at all\n")})
        sections = [section for section in self.document(b"a.md")["sections"] if section["level"]]
        self.assertEqual(
            [section["anchor"] for section in sections],
            ["hello-world", "hello-world-1", "setext-one", "計算機の歴史", "skipped--more", "code-in-it", "hello-world-1-1"],
        )
        self.assertEqual([section["level"] for section in sections], [2, 2, 1, 3, 5, 2, 2])
        self.assertEqual(self.document(b"none.md")["title"], "none")

    def test_55_text_in_other_encodings_is_found(self):
        self.start()
        text = "---\ntitle: 題名\n---\n# 見出し\n\n東京都に住む人々は計算機の歴史についてよく知っている。日本語の文章を書くことは楽しい。\n"
        shapes = {
            b"utf8-bom": codecs.BOM_UTF8 + text.encode(),
            b"crlf": text.replace("\n", "\r\n").encode(),
            b"utf16le": codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
            b"utf16be": codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
            b"shift-jis": text.encode("shift_jis"),
            b"euc-jp": text.encode("euc_jp"),
        }
        commit = self.bare.push({name + b".md": File(content) for name, content in shapes.items()})
        self.world.pair.settle(commit)
        for word in ("計算機", "東京都"):
            self.assertEqual(self.found(word), sorted(name.decode() + ".md" for name in shapes), word)
        for name in shapes:
            self.assertEqual(self.document(name + b".md")["title"], "題名", name)

    def test_55_bytes_that_are_no_text_are_a_document_or_a_reason(self):
        self.start()
        shapes = {
            b"surrogate": b"# a\n\n\xed\xa0\x80 afterword\n",
            b"nul": b"# a\n\nbefore\0nulword\n",
            b"bare16": "# bare\n\ntext\n".encode("utf-16-le"),
            b"cut": "日本語".encode()[:-1],
            b"latin": "# café\n\nnaïve Übung\n".encode("latin-1"),
            b"overlong": b"\xc0\xaf overlong\n",
            b"bom": codecs.BOM_UTF8,
            b"lone": b"\xff",
        }
        commit = self.bare.push({b"ok.md": self.page(), **{name + b".md": File(content) for name, content in shapes.items()}})
        self.world.pair.settle(commit)
        documents = {row["path"] for row in self.client.documents()}
        quarantine = {row["path"]: row["reason"] for row in self.client.quarantine()}
        self.assertEqual(documents | quarantine.keys(), {name.decode() + ".md" for name in shapes} | {"ok.md"})
        self.assertFalse(documents & quarantine.keys())
        self.assertTrue(all(quarantine.values()))
        self.assertIn("nul.md", quarantine)

    def test_57_attributes_do_not_hide_or_change_what_is_indexed(self):
        self.start()
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12345\n"
        attributes = b"*.md export-ignore text eol=crlf ident\nu.md working-tree-encoding=UTF-16\n*.json filter=lfs diff=lfs merge=lfs -text\n"
        commit = self.bare.push(
            {
                b".gitattributes": File(attributes),
                b"a.md": File(b"# attributeword\n\n$Id$\n"),
                b"u.md": self.page(),
                b"p.json": File(pointer),
                b"b.md": self.page(),
            }
        )
        self.world.pair.settle(commit)
        self.assertEqual(self.found("attributeword"), ["a.md"])
        rows = {row["path"]: row["oid"] for row in self.client.documents()}
        expected = {path.decode(): oid for path, oid in self.world.oracle.expect(commit).documents.items()}
        reasons = {row["path"]: row["reason"] for row in self.client.quarantine()}
        self.assertEqual({**rows, **{path: expected[path] for path in reasons}}, expected)


if __name__ == "__main__":
    unittest.main()
