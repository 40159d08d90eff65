"""What the index must hold, from the git command alone: ls-tree and cat-file of the commit, and the documented rules of the selection."""

from dataclasses import dataclass, field

from .git import EXECUTABLE, FILE, ObjectReader, list_tree
from .pages import decode, is_binary, markers

# The documented default: Markdown and data files by their extension in any case; no dot folders, lock files, node_modules, vendor.
PAGES = (b".md", b".markdown", b".mdown", b".mkd", b".mdx")
DATA = (b".json", b".jsonl", b".ndjson", b".geojson", b".webmanifest", b".yaml", b".yml")
LOCK_FILES = {
    b"package-lock.json",
    b"npm-shrinkwrap.json",
    b"pnpm-lock.yaml",
    b"packages.lock.json",
    b"project.lock.json",
    b"composer.lock.json",
    b"conda-lock.yml",
}
MAX_PATH = 4096


def is_wanted(path):
    *folders, name = path.split(b"/")
    if any(folder.startswith(b".") or folder in (b"node_modules", b"vendor") for folder in folders) or LOCK_FILES.intersection(path.split(b"/")):
        return False
    return name.lower().endswith(PAGES + DATA)


@dataclass
class Expectation:
    commit: str
    documents: dict = field(default_factory=dict)  # {path: blob id}
    refused: dict = field(default_factory=dict)  # {path: why}
    entries: list = field(default_factory=list)  # the whole tree: (mode, oid, size, path)


class Oracle:
    def __init__(self, git_directory, max_file_size=5 << 20):
        self.git_directory, self.max_file_size = git_directory, max_file_size
        self.reader = ObjectReader(git_directory)
        self.known = {}  # blob id -> (binary, text)

    def text(self, oid):
        return self.look(oid)[1]

    def look(self, oid):
        if oid not in self.known:
            content = self.reader.read(oid)
            binary = is_binary(content)
            self.known[oid] = (binary, "" if binary else decode(content))
        return self.known[oid]

    def expect(self, commit, is_wanted=is_wanted):
        expectation = Expectation(commit, entries=list_tree(self.git_directory, commit))
        for mode, oid, size, path in expectation.entries:
            if mode not in (FILE, EXECUTABLE) or not is_wanted(path):
                continue
            if size > self.max_file_size:
                expectation.refused[path] = "too large"
            elif len(path) > MAX_PATH:
                expectation.refused[path] = "path too long"
            elif self.look(oid)[0]:
                expectation.refused[path] = "binary"
            else:
                expectation.documents[path] = oid
        return expectation

    def words(self, oid, letters):
        return markers(self.text(oid), letters)

    def close(self):
        self.reader.close()
