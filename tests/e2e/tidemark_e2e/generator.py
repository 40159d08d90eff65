"""The model: random pushes to a bare repository, from a seed alone. A push is a list of commits; a tree is {path bytes: File}."""

import random
import unicodedata
from dataclasses import dataclass

from .git import EXECUTABLE, FILE, SUBMODULE, SYMLINK, File
from .pages import Writer

EXTENSIONS = [b".md"] * 10 + [b".markdown", b".MD", b".mdx", b".json", b".json", b".yaml", b".yml", b".jsonl", b".txt", b".png", b""]
FOLDERS = ["docs", "Docs", "guide", "日本語", "a b", "src", "images", "x", "node_modules", "vendor", ".github", "-dash", "ü", "deep"]
ODD = [
    b"README",
    b"-rf",
    b"--help",
    b":(glob)*",
    b"tab\there",
    b"new\nline",
    b'quo"te',
    b"quo'te",
    b"back\\slash",
    b" leading",
    b"trailing ",
    b"per%20cent",
    b"per%cent",
    b"qu?ery#frag&a=b",
    b"*",
    b"[a-z]",
    b"$HOME",
    b"`id`",
    b"a;b",
    b"\xff\xfe",
    b"latin\xe9",
    b"\xe3\x81",
    b"\x01\x1f\x7f",
    b"nul",
    b"aux.",
    b"con",
    b"...",
    b"~",
    b"HEAD",
    "日本語のページ".encode(),
    "絵文字🙂".encode(),
    "\u202ertl".encode(),
    "e\u0301".encode(),
    "\u00e9".encode(),
    "が".encode(),
    "か\u3099".encode(),
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"package-lock",
    b"pnpm-lock",
    b".dotfile",
    b"l" * 200,
    "長".encode() * 60,
]


def put(tree, path, file):
    """Sets an entry; what stands in its way (a file above it, a folder in its place) leaves."""
    parts = path.split(b"/")
    for end in range(1, len(parts)):
        tree.pop(b"/".join(parts[:end]), None)
    for below in [other for other in tree if other.startswith(path + b"/")]:
        del tree[below]
    tree[path] = file


@dataclass
class Push:
    """`steps`: commits as Bare.commits takes them. Or `target`: the number of an earlier push that the branch is forced back to."""

    words: list
    steps: list
    tree: dict
    target: int | None = None


class Generator:
    def __init__(self, seed, max_file_size, size=70):
        self.rng = random.Random(seed)
        self.writer = Writer(self.rng)
        self.max_file_size, self.size = max_file_size, size
        self.tips = []  # of every push: its commit id, told by the caller
        self.trees = []
        self.words = []

    # --- paths ---
    def folder(self):
        depth = self.rng.choice([0, 0, 1, 1, 2, 3])
        return b"".join(self.rng.choice(FOLDERS).encode() + b"/" for _ in range(depth))

    def name(self):
        if self.rng.random() < 0.35:
            return self.rng.choice(ODD)
        return b"%c%d" % (self.rng.choice(b"abcAB"), self.rng.randrange(30))

    def path(self):
        if self.rng.random() < 0.02:
            return b"/".join([b"very-long-%d" % self.rng.randrange(3) + b"y" * self.rng.randrange(180)] * self.rng.randint(3, 8)) + b".md"
        return self.folder() + self.name() + self.rng.choice(EXTENSIONS)

    def file(self, path):
        shape = self.rng.random()
        if shape < 0.05:
            return File(self.writer.binary())
        if shape < 0.08:
            return File(b"")
        if shape < 0.11:
            return File(self.writer.oversized(self.max_file_size))
        return File(self.writer.for_path(path), EXECUTABLE if self.rng.random() < 0.05 else FILE)

    def some(self, tree, of=lambda file: True):
        paths = sorted(path for path, file in tree.items() if of(file))
        return self.rng.choice(paths) if paths else None

    # --- what a commit may do to a tree; each gives a word for the replay's listing, or None when it found nothing to do ---
    def add(self, tree):
        path = self.path()
        put(tree, path, self.file(path))
        return f"add {path!r}"

    def edit(self, tree):
        path = self.some(tree, lambda file: file.mode in (FILE, EXECUTABLE))
        if path:
            tree[path] = File(self.file(path).content, tree[path].mode)
            return f"edit {path!r}"

    def append(self, tree):
        path = self.some(tree, lambda file: file.mode == FILE and b"\0" not in file.content)
        if path and path.lower().endswith((b".md", b".mdx", b".markdown")) and tree[path].content.endswith(b"\n\n"):
            tree[path] = File(tree[path].content + self.writer.words("p").encode() + b"\n")
            return f"append to {path!r}"

    def delete(self, tree):
        path = self.some(tree)
        if path:
            del tree[path]
            return f"delete {path!r}"

    def delete_folder(self, tree):
        path = self.some(tree)
        if path and b"/" in path:
            folder = path[: path.rindex(b"/") + 1]
            for below in [other for other in tree if other.startswith(folder)]:
                del tree[below]
            return f"delete folder {folder!r}"

    def rename(self, tree):
        old, new = self.some(tree), self.path()
        if old and not new.startswith(old + b"/") and not old.startswith(new + b"/"):
            put(tree, new, tree.pop(old))
            return f"rename {old!r} to {new!r}"

    def rename_extension(self, tree):
        old = self.some(tree)
        if old and b"." in old.rsplit(b"/", 1)[-1][1:]:
            new = old[: old.rindex(b".")] + self.rng.choice(EXTENSIONS)
            if new != old:
                put(tree, new, tree.pop(old))
                return f"rename {old!r} to {new!r}"

    def rename_folder(self, tree):
        path = self.some(tree)
        if path and b"/" in path:
            old, new = path[: path.index(b"/") + 1], self.folder() + b"moved%d/" % self.rng.randrange(9)
            for below in [other for other in tree if other.startswith(old)]:
                put(tree, new + below[len(old) :], tree.pop(below))
            return f"rename folder {old!r} to {new!r}"

    def rename_case(self, tree):
        old = self.some(tree)
        if old:
            new = old.swapcase() if self.rng.random() < 0.5 else old[:-1] + old[-1:].swapcase()
            if new != old and new not in tree:
                put(tree, new, tree.pop(old))
                return f"rename {old!r} to {new!r} (case)"

    def twin(self, tree):
        word = self.rng.choice(["é", "が", "Å", "ﬁ"])
        folder = self.folder()
        for form in ("NFC", "NFD", "NFKC"):
            path = folder + unicodedata.normalize(form, word).encode() + b".md"
            put(tree, path, File(self.writer.page()))
        return f"twins of {word} in {folder!r}"

    def file_to_folder(self, tree):
        path = self.some(tree)
        if path:
            moved = tree.pop(path)
            put(tree, path + b"/" + self.name() + b".md", moved if self.rng.random() < 0.5 else File(self.writer.page()))
            return f"file {path!r} becomes a folder"

    def folder_to_file(self, tree):
        path = self.some(tree, lambda file: True)
        if path and b"/" in path:
            folder = path[: path.rindex(b"/")]
            put(tree, folder, File(self.writer.page()))
            return f"folder {folder!r} becomes a file"

    def to_symlink(self, tree):
        path = self.some(tree)
        if path:
            target = self.rng.choice([b"/etc/passwd", b"../../../../outside.md", b"dangling.md", b".", path, b"docs", b"README.md", b"\xff"])
            put(tree, path, File(target, SYMLINK))
            return f"{path!r} becomes a symlink to {target!r}"

    def from_symlink(self, tree):
        path = self.some(tree, lambda file: file.mode in (SYMLINK, SUBMODULE))
        if path:
            put(tree, path, File(self.writer.for_path(path)))
            return f"{path!r} becomes a file"

    def change_mode(self, tree):
        path = self.some(tree, lambda file: file.mode in (FILE, EXECUTABLE))
        if path:
            tree[path] = File(tree[path].content, EXECUTABLE if tree[path].mode == FILE else FILE)
            return f"mode of {path!r}"

    def submodule(self, tree):
        path = self.some(tree) if self.rng.random() < 0.5 else self.path()
        if path:
            put(tree, path, File(b"%040x" % self.rng.getrandbits(160), SUBMODULE))
            return f"submodule {path!r}"

    def submodule_to_folder(self, tree):
        path = self.some(tree, lambda file: file.mode == SUBMODULE)
        if path:
            put(tree, path + b"/inside.md", File(self.writer.page()))
            return f"submodule {path!r} becomes a folder"

    def reshape(self, tree):
        path = self.some(tree, lambda file: file.mode in (FILE, EXECUTABLE))
        if path:
            kind, content = self.rng.choice(
                [
                    ("binary", self.writer.binary()),
                    ("empty", b""),
                    ("oversized", self.writer.oversized(self.max_file_size)),
                    ("small again", self.writer.for_path(path)),
                ]
            )
            tree[path] = File(content, tree[path].mode)
            return f"{path!r} becomes {kind}"

    def copy(self, tree):
        path, new = self.some(tree), self.path()
        if path and new != path:
            put(tree, new, tree[path])
            return f"copy {path!r} to {new!r}"

    def swap(self, tree):
        one, other = self.some(tree), self.some(tree)
        if one and one != other:
            tree[one], tree[other] = tree[other], tree[one]
            return f"swap {one!r} and {other!r}"

    def change(self, tree):
        """One to six operations on a copy of the tree."""
        tree = dict(tree)
        rare = [
            self.delete_folder,
            self.rename_folder,
            self.rename_case,
            self.rename_extension,
            self.twin,
            self.file_to_folder,
            self.folder_to_file,
            self.to_symlink,
            self.from_symlink,
            self.change_mode,
            self.submodule,
            self.submodule_to_folder,
            self.reshape,
            self.reshape,
            self.copy,
            self.swap,
            self.append,
        ]
        often = [self.add] * 9 + [self.edit] * 9 + [self.rename] * 3 + [self.delete] * (9 if len(tree) > self.size else 3)
        for _ in range(self.rng.choice([1, 1, 2, 3, 6])):
            word = self.rng.choice(often if self.rng.random() < 0.6 else rare)(tree)
            if word:
                self.words.append(word)
        return tree

    def fresh_tree(self):
        tree = {}
        for _ in range(self.rng.randint(self.size // 3, self.size)):
            path = self.path()
            put(tree, path, self.file(path))
        return tree

    def next_push(self):
        """What is pushed next; the caller makes it, and tells the commit by `pushed`."""
        self.words, shape = [], self.rng.random()
        last = self.trees[-1] if self.trees else {}
        if not self.tips:
            push = Push(["first"], [(self.fresh_tree(), ())], {})
        elif shape < 0.05 and len(self.tips) > 3:
            target = self.rng.randrange(max(0, len(self.tips) - 40), len(self.tips))
            return Push([f"force back to push {target}"], [], self.trees[target], target)
        elif shape < 0.08:
            tree = self.fresh_tree()
            shared = [path for path in sorted(last) if self.rng.random() < 0.2]
            for path in shared:
                put(tree, path, last[path])
            push = Push([f"unrelated history, {len(shared)} paths shared"], [(tree, ())], tree)
        elif not last and shape > 0.5:
            push = Push(["everything is new"], [(self.fresh_tree(), (self.tips[-1],))], {})
        elif shape < 0.09:
            push = Push(["everything is deleted"], [({}, (self.tips[-1],))], {})
        elif shape < 0.11:
            push = Push(["empty commit"], [(last, (self.tips[-1],))], last)
        elif shape < 0.14 and len(self.tips) > 1:
            base = self.rng.randrange(max(0, len(self.tips) - 10), len(self.tips))
            tree = self.change(self.trees[base])
            push = Push([f"force: another child of push {base}", *self.words], [(tree, (self.tips[base],))], tree)
        elif shape < 0.22:
            ours, theirs = self.change(last), self.change(last)
            merged = dict(ours)
            for path in [path for path in last if path not in theirs]:
                merged.pop(path, None)
            for path, file in sorted(theirs.items()):
                if last.get(path) != file:
                    put(merged, path, file)
            push = Push(["merge", *self.words], [(ours, (self.tips[-1],)), (theirs, (self.tips[-1],)), (merged, (0, 1))], merged)
        else:
            steps, tree, parent = [], last, self.tips[-1]
            for number in range(self.rng.choice([1, 1, 1, 1, 2, 4])):
                tree = self.change(tree)
                steps.append((tree, (parent,)))
                parent = number
            push = Push(["push", *self.words], steps, tree)
        push.tree = push.steps[-1][0]
        return push

    def pushed(self, commit, tree):
        self.tips.append(commit)
        self.trees.append(tree)
