"""The repositories that are measured: generated ones of any size, and bundles. Both are bare, and are pushed to by git itself."""
import functools
import random
import subprocess
from pathlib import Path

SYLLABLES = ["ta", "ri", "mo", "ke", "sen", "dal", "or", "vi", "chu", "nep", "bra", "lo", "is", "gan", "wet", "fi"]
JAPANESE = ["検索", "計算機", "文書", "索引", "更新", "同期", "記事", "技術", "機械学習", "東京", "設計", "試験", "言語", "辞書", "反映"]
FIRST_COMMIT_TIME = 1_700_000_000


def git(repository, *arguments, text=None):
    return subprocess.run(["git", "-C", str(repository), *map(str, arguments)], check=True, capture_output=True, text=True, input=text).stdout.strip()


@functools.cache
def vocabulary():
    random_words = random.Random(7)
    words = {"".join(random_words.choices(SYLLABLES, k=random_words.randint(1, 4))) for _ in range(6000)}
    return sorted(words) + ["the", "of", "and", "to", "a", "in", "is"] * 200 + JAPANESE * 20


class Texts:
    """Pages of some 1.5 KiB with front matter, headings, a list, a table and code; every tenth file is JSON. The same ones for the same seed."""

    def __init__(self, seed):
        self.random, self.words = random.Random(seed), vocabulary()

    def some(self, count):
        return " ".join(self.random.choices(self.words, k=count))

    def page(self, number):
        return (f"---\ntitle: Page {number} {self.some(3)}\ntags: [{self.some(1)}, {self.some(1)}]\ndate: 2024-03-{number % 28 + 1:02}\n---\n\n"
                f"# {self.some(4)}\n\n{self.some(40)}.\n\n## {self.some(3)}\n\n{self.some(60)}, [{self.some(2)}](../{number}.md), {self.some(20)}.\n\n"
                f"- {self.some(8)}\n- {self.some(8)}\n\n## {self.some(2)}\n\n```sh\n{self.some(6)} --{self.some(1)}\n```\n\n{self.some(50)}.\n")

    def data(self, number):
        entries = ",\n".join(f'  {{"id": {number * 10 + i}, "name": "{self.some(2)}", "note": "{self.some(14)}"}}' for i in range(8))
        return f"[\n{entries}\n]\n"

    def file(self, number):
        folder = f"docs/{number // 2500:03}/{number // 50 % 50:02}"
        return (f"{folder}/data-{number}.json", self.data(number)) if number % 10 == 9 else (f"{folder}/page-{number}.md", self.page(number))


class Origin:
    """A bare repository that takes pushes of one changed file each."""

    def __init__(self, path, ref="main"):
        self.path, self.ref, self.pushes = Path(path), ref, 0
        (self.path / "git-daemon-export-ok").touch()
        self.head = git(self.path, "rev-parse", f"refs/heads/{ref}")
        names = git(self.path, "ls-tree", "-r", "--name-only", "-z", self.head).split("\0")
        self.pages = [name for name in names if name.endswith(".md") and not any(part.startswith(".") for part in name.split("/"))]
        self.files = len([name for name in names if name])

    @classmethod
    def generate(cls, path, files):
        git(".", "init", "--quiet", "--bare", "--initial-branch=main", path)
        texts = Texts(files)
        with subprocess.Popen(["git", "-C", str(path), "fast-import", "--quiet"], stdin=subprocess.PIPE) as importer:
            write = importer.stdin.write
            write(f"commit refs/heads/main\ncommitter Bench <bench@example.org> {FIRST_COMMIT_TIME} +0000\ndata 5\nfirst\n".encode())
            for number in range(files):
                name, text = texts.file(number)
                body = text.encode()
                write(f"M 100644 inline {name}\ndata {len(body)}\n".encode() + body + b"\n")
            importer.stdin.close()
            if importer.wait() != 0:
                raise RuntimeError("git fast-import failed")
        # As a server has it: one pack with its deltas.
        git(path, "repack", "-a", "-d", "-q")
        return cls(path)

    @classmethod
    def from_bundle(cls, path, bundle):
        git(".", "init", "--quiet", "--bare", path)
        git(path, "fetch", "--quiet", Path(bundle).resolve(), "+refs/heads/*:refs/heads/*")
        branches = git(path, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()
        ref = "main" if "main" in branches else branches[0]
        git(path, "symbolic-ref", "HEAD", f"refs/heads/{ref}")
        git(path, "repack", "-a", "-d", "-q")
        return cls(path, ref)

    def push(self):
        """One commit that changes one page; gives (commit, path, a word that stands in it alone)."""
        self.pushes += 1
        path = self.pages[self.pushes * 7919 % len(self.pages)] if self.pages else f"page-{self.pushes}.md"
        word = f"unseen{self.pushes:05}word"
        body = (Texts(self.pushes).page(self.pushes) + f"\n{word}\n").encode()
        name = path.encode()
        quoted = b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        commit = (f"commit refs/heads/{self.ref}\ncommitter Bench <bench@example.org> {FIRST_COMMIT_TIME + self.pushes} +0000\ndata 4\npush\nfrom {self.head}\n".encode()
                  + b"M 100644 inline " + quoted + f"\ndata {len(body)}\n".encode() + body + b"\n")
        subprocess.run(["git", "-C", str(self.path), "fast-import", "--quiet", "--force"], input=commit, check=True)
        self.head = git(self.path, "rev-parse", f"refs/heads/{self.ref}")
        return self.head, path, word
