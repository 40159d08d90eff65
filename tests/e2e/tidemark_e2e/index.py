"""What the index holds, through the HTTP interface and straight from the SQLite file, and the comparison with what git says."""

import hashlib
import os
import sqlite3
import stat
from collections import Counter
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from .git import EXECUTABLE, SUBMODULE, SYMLINK
from .pages import LETTERS, PAGE, markers, promised


class Database:
    """The SQLite file, read with its plain columns alone (the tokenizer is the program's own)."""

    def __init__(self, path):
        self.connection = sqlite3.connect(f"file:{quote(os.fspath(path))}?mode=ro", uri=True, timeout=30)
        self.connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")

    def rows(self):
        """{path bytes: {column: value}}; a path that is there twice is an error."""
        cursor = self.connection.execute("SELECT * FROM document")
        names = [column[0] for column in cursor.description]
        rows = {}
        for values in cursor:
            row = dict(zip(names, values))
            if bytes(row["path"]) in rows:
                raise AssertionError(f"two documents have the path {bytes(row['path'])!r}")
            rows[bytes(row["path"])] = row
        return rows

    def close(self):
        self.connection.close()


def read_database(path):
    database = Database(path)
    try:
        return database.rows()
    finally:
        database.close()


def oid_of(row):
    value = row["oid"]
    return value.hex() if isinstance(value, bytes) else value


def path_of(displayed):
    """The bytes that a displayed path stands for: what is not valid UTF-8 is shown as %XX, and a per cent sign that would be ambiguous too."""
    return unquote_to_bytes(displayed.encode())


def compare_body(row, path, oid, oracle):
    """All words of the file where they belong: a page's in their order, a data file's in any; and none of another file."""
    letters, columns = promised(path), ("prose", "code", "headings")
    got = {column: markers(row[column] or "") for column in columns}
    differences = []
    if letters == PAGE:
        for letter, column in zip(PAGE, columns):
            wanted, found = oracle.words(oid, letter), [word for word in got[column] if word[0] in PAGE]
            if found != wanted:
                differences.append(f"body: {path!r} {oid}: {column} is {found[:12]}, should be {wanted[:12]}")
    else:
        wanted = Counter(oracle.words(oid, letters))
        found = Counter(word for column in ("prose", "code") for word in got[column] if word[0] in letters)
        if found != wanted:
            differences.append(f"body: {path!r} {oid}: lacks {dict(wanted - found)}, has too much {dict(found - wanted)}")
    strange = {word for words in got.values() for word in words} - set(oracle.words(oid, LETTERS))
    return differences + ([f"body: {path!r} {oid}: words of another file: {sorted(strange)}"] if strange else [])


def compare_rows(expectation, rows, oracle):
    """Every document: the path, the blob's id, and all words of its body where they belong, in their order."""
    differences = []
    for path in sorted(expectation.documents.keys() - rows.keys()):
        differences.append(f"missing: {path!r} {expectation.documents[path]}")
    for path in sorted(rows.keys() - expectation.documents.keys()):
        differences.append(f"not in the tree: {path!r} {oid_of(rows[path])} {expectation.refused.get(path, '')}")
    for path in sorted(expectation.documents.keys() & rows.keys()):
        row, oid = rows[path], expectation.documents[path]
        if oid_of(row) != oid:
            differences.append(f"another blob: {path!r} has {oid_of(row)}, the tree {oid}")
        else:
            differences += compare_body(row, path, oid, oracle)
    return differences


def compare_listing(expectation, client, limit=1000):
    """The HTTP listing: the same paths and blobs, each once, in byte order."""
    listed = [(path_of(row["path"]), row["oid"]) for row in client.documents(limit)]
    differences = []
    if [path for path, _ in listed] != sorted(path for path, _ in listed):
        differences.append("the listing is not in path order")
    wanted, got = Counter(expectation.documents.items()), Counter(listed)
    differences += [f"not listed: {item}" for item in (wanted - got)] + [f"listed too much: {item}" for item in (got - wanted)]
    return differences


def compare_quarantine(expectation, client):
    got = {path_of(row["path"]) for row in client.quarantine()}
    wanted = {path for path in expectation.refused}
    return [f"not in quarantine: {path!r} ({expectation.refused[path]})" for path in sorted(wanted - got)] + [
        f"in quarantine without a reason: {path!r}" for path in sorted(got - wanted)
    ]


def compare_worktree(expectation, link):
    """The published files against the tree: content, mode, symlinks, nothing else there."""
    root = os.path.realpath(os.fsencode(link))
    differences, seen = [], set()
    wanted = {path: (mode, oid) for mode, oid, _, path in expectation.entries}
    for folder, folders, files in os.walk(root):
        for name in files + [one for one in folders if os.path.islink(os.path.join(folder, one))]:
            path = os.path.relpath(os.path.join(folder, name), root)
            if path == b".git":
                continue
            seen.add(path)
            mode, oid = wanted.get(path, (None, None))
            status = os.lstat(os.path.join(folder, name))
            if stat.S_ISLNK(status.st_mode):
                content, fits = os.readlink(os.path.join(folder, name)), mode == SYMLINK
            else:
                content = Path(os.fsdecode(os.path.join(folder, name))).read_bytes()
                fits = mode not in (SYMLINK, SUBMODULE, None) and bool(status.st_mode & stat.S_IXUSR) == (mode == EXECUTABLE)
            if not fits or hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() != oid:
                differences.append(f"worktree: {path!r} is {stat.filemode(status.st_mode)} of {len(content)} bytes, the tree has {mode} {oid}")
    missing = {path for path, (mode, _) in wanted.items() if mode != SUBMODULE} - seen
    return differences + [f"worktree: {path!r} is missing" for path in sorted(missing)]


def stable(row):
    """A stored document without its row number and the run that wrote it."""
    return {name: value for name, value in row.items() if name not in ("id", "rowid", "generation", "revision", "committed_at")}


def compare_stored(one, other):
    """Two indexes' stored documents, every column but those of the run."""
    differences = [f"only in one of the two: {path!r}" for path in sorted(one.keys() ^ other.keys())]
    for path in sorted(one.keys() & other.keys()):
        a, b = stable(one[path]), stable(other[path])
        differences += [
            f"stored differently: {path!r} {name}: {str(a[name])[:200]!r} / {str(b.get(name))[:200]!r}" for name in a if a[name] != b.get(name)
        ]
    return differences
