"""Files whose indexed text is known by construction: each word carries in its first letter where it has to turn up.

A marker is a letter, `x` and eight digits of base 36, unique in a run: p prose, c code, h heading, t the front matter's title, f other front matter of a page;
j a value in JSON, l in JSON lines, y in YAML; q is text about which nothing is promised (broken syntax, HTML comments, link targets). A file that
was renamed to another format keeps its markers, about whose place nothing is promised then either.
"""

import codecs
import json
import re

MARKER = re.compile(r"(?<![0-9a-z])([pchtfjlyq]x[0-9a-z]{8})(?![0-9a-z])")
LETTERS = "pchtfjlyq"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
JAPANESE = ["計算機の歴史", "東京都に住む", "無観客有料配信イベント", "カタカナ", "ひらがなの文", "全文検索エンジン", "見本", "健康", "資金決済法"]
NOISE = ["alpha", "the", "Grüße", "naïve", "C++20", "1.5", "don't", "e-mail", "łódź", "привет", "안녕하세요", "🙂", "a_b"]


def decode(content):
    """The text of a generated file (their encodings are told by their marks)."""
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    return content.decode("utf-8", "replace")


def markers(text, letters=LETTERS):
    return [word for word in MARKER.findall(text) if word[0] in letters]


def is_binary(content):
    return b"\0" in content and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


class Writer:
    def __init__(self, rng):
        self.rng = rng

    def marker(self, letter):
        return letter + "x" + "".join(self.rng.choices(DIGITS, k=8))

    def words(self, letter, least=1, most=4):
        out = []
        for _ in range(self.rng.randint(least, most)):
            out.append(self.marker(letter))
            if self.rng.random() < 0.4:
                out.append(self.rng.choice(JAPANESE if self.rng.random() < 0.5 else NOISE))
        return " ".join(out)

    def inline(self):
        p = lambda: self.words("p", 1, 2)
        shape = self.rng.randrange(8)
        return [
            p,
            lambda: f"*{self.marker('p')}* {p()}",
            lambda: f"**{self.marker('p')}**",
            lambda: f"`{self.marker('p')}`",
            lambda: f"[{p()}](https://example.com/{self.marker('q')})",
            lambda: f"![{self.marker('p')}](img/{self.marker('q')}.png)",
            lambda: f"{p()}  \n{p()}",
            lambda: f"「{self.marker('p')}」{p()}",
        ][shape]()

    def block(self):
        rng, p, c = self.rng, self.inline, lambda: self.words("c", 1, 3)
        kind = rng.randrange(10)
        if kind == 0:
            return "\n".join(f"{rng.choice('-*+')} {p()}" for _ in range(1)) + f"\n  - {self.words('p')}\n"
        if kind == 1:
            return f"1. {self.words('p')}\n2. {self.words('p')}\n"
        if kind == 2:
            return f"> {self.words('p')}\n> {self.words('p')}\n"
        if kind == 3:
            return f"| {self.marker('p')} | {self.marker('p')} |\n|---|:-:|\n| {self.marker('p')} | {self.words('p')} |\n"
        if kind == 4:
            fence = rng.choice(["```", "~~~", "````"])
            return f"{fence}{rng.choice(['', 'cpp', 'sh'])}\n{c()}\n# {c()}\n---\n{c()}\n{fence}\n"
        if kind == 5:
            return f"{p()}\n\n    {c()}\n    {c()}\n\n{p()}\n"
        if kind == 6:
            return f"<!-- {self.words('q')} -->\n\n{p()}\n"
        if kind == 7:
            return f"{p()}\n\n---\n\n{p()}\n"
        return f"{p()} {p()}\n{p()}\n"

    def heading(self):
        level, text = self.rng.randint(1, 6), self.words("h", 1, 2)
        if level <= 2 and self.rng.random() < 0.3:
            return f"{text}\n{('=' if level == 1 else '-') * 4}\n"
        return f"{'#' * level} {text}{self.rng.choice(['', ' ' + '#' * level])}\n"

    def front_matter(self):
        rng = self.rng
        if rng.random() < 0.12:  # broken in one of the ways that people break it
            q = self.words("q")
            return rng.choice(
                [
                    f'---\ntitle: "{q}\n---\n',
                    f"---\ntitle: {q}: {q}\n\tindented: by a tab\n---\n",
                    f"---\n- {q}\n- {q}\n---\n",
                    f"---\n{q}\n---\n",
                    f"---\ntitle: [{q}\n---\n",
                ]
            )
        lines = [f"title: {self.words('t', 1, 2).replace(chr(39), '')}"] if rng.random() < 0.7 else []
        if rng.random() < 0.5:
            lines.append(f"tags: [{self.marker('f')}, {self.marker('f')}]")
        if rng.random() < 0.4:
            lines.append(f"date: 20{rng.randint(10, 25)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}")
        if rng.random() < 0.3:
            lines.append(f"extra:\n  deep:\n    - {self.marker('f')}\n    - {{a: {self.marker('f')}}}")
        if rng.random() < 0.2:
            lines.append(f"draft: {rng.choice(['true', 'false', 'yes'])}")
        rng.shuffle(lines)
        return "---\n" + "".join(line + "\n" for line in lines) + "---\n"

    def page(self):
        rng = self.rng
        text = self.front_matter() + rng.choice(["", "\n"]) if rng.random() < 0.5 else ""
        for _ in range(rng.choice([1, 1, 2, 3, 5])):
            if rng.random() < 0.8:
                text += self.heading() + "\n"
            text += "".join(self.block() + "\n" for _ in range(rng.randint(0, 3)))
        if not MARKER.search(text):
            text += self.words("p") + "\n"
        return self.encode(text)

    def encode(self, text):
        shape = self.rng.random()
        if shape < 0.04:
            return codecs.BOM_UTF8 + text.encode()
        if shape < 0.12:
            return text.replace("\n", "\r\n").encode()
        if shape < 0.14:
            return codecs.BOM_UTF16_LE + text.encode("utf-16-le")
        if shape < 0.16:
            return codecs.BOM_UTF16_BE + text.encode("utf-16-be")
        return text.encode()

    def value(self, depth=0):
        rng = self.rng
        kind = rng.randrange(8)
        if kind == 0 and depth < 4:
            return {f"k{i}": self.value(depth + 1) for i in range(rng.randint(0, 3))}
        if kind == 1 and depth < 4:
            return [self.value(depth + 1) for _ in range(rng.randint(0, 3))]
        if kind == 2:
            return rng.choice([None, True, False, 0, -1, 3.25, 10**18])
        return self.words("j", 1, 2)

    def json(self):
        if self.rng.random() < 0.15:
            return f'{{"a": "{self.words("q")}", "b": [1, 2'.encode()
        value = {"name": self.marker("j"), "value": self.value(), "more": self.value()}
        return json.dumps(value, ensure_ascii=self.rng.random() < 0.3, indent=self.rng.choice([None, 2])).encode()

    def yaml(self):
        if self.rng.random() < 0.15:
            return f"a: [1, 2\nb: {self.words('q')}\n\tc: d\n".encode()
        p = lambda: self.words("y", 1, 2).replace("'", "")
        return (
            f"name: {self.marker('y')}\nlist:\n  - '{p()}'\n  - \"{p()}\"\nnested:\n  deep:\n    text: |\n      {p()}\n      {p()}\n  folded: >-\n    {p()}\n    {p()}\n"
            f"number: 12\nflag: yes\nwhen: 2020-02-03\nnone: ~\n"
        ).encode()

    def binary(self):
        return b"\x89PNG\r\n\x1a\n\0\0\0" + self.words("q").encode() + bytes(self.rng.randrange(256) for _ in range(40))

    def oversized(self, limit):
        page = b"# " + self.marker("q").encode() + b"\n\n"
        return page + (self.marker("q") + " ").encode() * ((limit - len(page)) // 11 + 1 + self.rng.randrange(50))

    def for_path(self, path):
        name = path.lower()
        if name.endswith(b".json"):
            return self.json()
        if name.endswith((b".yaml", b".yml")):
            return self.yaml()
        if name.endswith((b".jsonl", b".ndjson")):
            return b"".join(json.dumps({"row": i, "text": self.words("l")}).encode() + b"\n" for i in range(self.rng.randint(1, 4)))
        return self.page()


PAGE, JSON, LINES, YAML = "pch", "j", "l", "y"


def promised(path):
    """The letters of the markers whose place is promised in a file of that name, or "" (json's cousins are as json)."""
    name = path.lower()
    for extensions, letters in (((b".jsonl", b".ndjson"), LINES), ((b".json", b".geojson", b".webmanifest"), JSON), ((b".yaml", b".yml"), YAML)):
        if name.endswith(extensions):
            return letters
    return PAGE
