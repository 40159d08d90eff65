"""The git command, away from the machine's own configuration, and bare repositories that are written by plumbing."""

import hashlib
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

FILE, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"
START = 1_600_000_000  # of the clock that commits are dated with


def git_environment(**more):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT")}
    environment.update(
        HOME="/nonexistent",
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_GLOBAL="/dev/null",
        GIT_TERMINAL_PROMPT="0",
        LC_ALL="C.UTF-8",
        GIT_AUTHOR_NAME="A U Thor",
        GIT_AUTHOR_EMAIL="author@example.com",
        GIT_AUTHOR_DATE=f"{START} +0000",
        GIT_COMMITTER_NAME="C O Mitter",
        GIT_COMMITTER_EMAIL="committer@example.com",
        GIT_COMMITTER_DATE=f"{START} +0000",
    )
    environment.update(more)
    return environment


def git(*arguments, cwd=None, data=None, environment=None, check=True):
    """Runs git and gives its standard output as bytes."""
    done = subprocess.run(["git", *map(os.fspath, arguments)], cwd=cwd, input=data, capture_output=True, env=environment or git_environment())
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(map(str, arguments))[:300]} ended with {done.returncode}: {done.stderr.decode(errors='replace')[:2000]}")
    return done.stdout


def blob_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def quote(path):
    """A path as git fast-import reads it (git-fast-import(1): C-style quoting)."""
    return b'"' + b"".join(bytes([c]) if 32 <= c < 127 and c not in b'"\\' else b"\\%03o" % c for c in path) + b'"'


@dataclass(frozen=True)
class File:
    """An entry of a tree: the mode, and the bytes of the file or the symlink's target, or the submodule's commit."""

    content: bytes = b""
    mode: str = FILE

    @property
    def oid(self):
        return self.content.decode() if self.mode == SUBMODULE else blob_id(self.content)


@dataclass
class Bare:
    """A bare repository. Trees are dictionaries {path bytes: File}; commits are written by git fast-import."""

    path: Path
    clock: int = START
    written: set = field(default_factory=set)

    def __post_init__(self):
        git("init", "--quiet", "--bare", "--initial-branch=main", self.path)
        for name, value in {"gc.auto": "0", "uploadpack.allowAnySHA1InWant": "true", "http.receivepack": "true", "core.fsync": "none"}.items():
            git("config", name, value, cwd=self.path)
        (Path(self.path) / "git-daemon-export-ok").touch()

    def git(self, *arguments, **options):
        return git(*arguments, cwd=self.path, **options)

    def commit(self, tree, parents=(), ref="refs/heads/main", message="a commit"):
        """Commits a whole tree and moves the ref to it, fast-forward or not. Gives the commit's id."""
        return self.commits([(tree, tuple(parents))], ref, message)[-1]

    def commits(self, steps, ref="refs/heads/main", message="a commit"):
        """Several commits in one go; a parent is an id, or the number of an earlier step. The last one becomes the ref."""
        out, marks, blobs = [], {}, {}
        for tree, _ in steps:
            for file in tree.values():
                if file.mode != SUBMODULE and file.oid not in self.written and file.oid not in blobs:
                    blobs[file.oid] = len(blobs) + 1
                    out += [b"blob\nmark :%d\ndata %d\n" % (blobs[file.oid], len(file.content)), file.content, b"\n"]
        for number, (tree, parents) in enumerate(steps):
            self.clock += 1
            marks[number] = len(blobs) + 1 + number
            text = message.encode()
            if not parents:  # otherwise fast-import goes on from the branch as it knows it
                out.append(b"reset %s\n" % ref.encode())
            out.append(
                b"commit %s\nmark :%d\ncommitter C O Mitter <committer@example.com> %d +0000\ndata %d\n%s\n"
                % (ref.encode(), marks[number], self.clock, len(text), text)
            )
            for word, parent in zip([b"from"] + [b"merge"] * len(parents), parents):
                out.append(b"%s %s\n" % (word, b":%d" % marks[parent] if isinstance(parent, int) else parent.encode()))
            out.append(b"deleteall\n")
            for path, file in sorted(tree.items()):
                name = file.oid if file.oid not in blobs else f":{blobs[file.oid]}"
                out.append(b"M %s %s %s\n" % (file.mode.encode(), name.encode(), quote(path)))
            out.append(b"get-mark :%d\n" % marks[number])
        done = self.git("fast-import", "--quiet", "--force", "--date-format=raw", data=b"".join(out))
        self.written.update(blobs)
        return done.decode().split()

    def push(self, tree, force_root=False, ref="refs/heads/main"):
        """One more commit on the ref (or a root commit that replaces its history)."""
        tip = None if force_root else self.tip(ref)
        return self.commit(tree, [tip] if tip else [], ref)

    def tip(self, ref="refs/heads/main"):
        return self.git("rev-parse", "--verify", "--quiet", ref + "^{commit}", check=False).decode().strip() or None

    def move(self, commit, ref="refs/heads/main"):
        self.git("update-ref", ref, commit)

    def prune(self):
        """Forgets every object that no ref reaches."""
        self.git("reflog", "expire", "--expire=now", "--all")
        self.git("gc", "--quiet", "--prune=now")
        self.written.clear()


class ObjectReader:
    """git cat-file --batch, kept open."""

    def __init__(self, git_directory):
        self.process = subprocess.Popen(
            ["git", "-C", os.fspath(git_directory), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=git_environment()
        )

    def read(self, oid):
        self.process.stdin.write(oid.encode() + b"\n")
        self.process.stdin.flush()
        header = self.process.stdout.readline().split()
        if len(header) != 3:
            raise KeyError(oid)
        content = self.process.stdout.read(int(header[2]))
        self.process.stdout.read(1)
        return content

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def list_tree(git_directory, commit):
    """[(mode, oid, size or None, path bytes)] of a commit, as git ls-tree sees it."""
    entries = []
    for line in git("ls-tree", "-r", "-z", "-l", "--full-tree", commit, cwd=git_directory).split(b"\0")[:-1]:
        head, path = line.split(b"\t", 1)
        mode, _, oid, size = head.split()
        entries.append((mode.decode(), oid.decode(), None if size == b"-" else int(size), path))
    return entries
