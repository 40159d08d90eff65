"""A repository as a sidecar publishes it: ROOT/.git, one folder per revision, and a link that flips. The flip is where the clock starts."""
import os

from .repositories import Origin, git

ORIGIN_URL = "https://git.example.org/bench.git"


class Published:
    def __init__(self, root, make):
        """`make` gives an Origin at the path that it is called with."""
        self.root = root
        root.mkdir(parents=True)
        self.origin: Origin = make(root / ".git")
        git(self.origin.path, "config", "remote.origin.url", ORIGIN_URL)
        self.link = root / "current"
        self.prepare(self.origin.head)
        self.flip(self.origin.head)

    def prepare(self, commit):
        """All of a publication but its last step. Files are read from the objects, so the folder needs none."""
        worktree = self.root / ".worktrees" / commit
        worktree.mkdir(parents=True)
        (worktree / ".git").write_text("gitdir: ../../.git\n")
        os.symlink(worktree.relative_to(self.root), self.root / "next")

    def flip(self, commit):
        assert os.readlink(self.root / "next").endswith(commit)
        os.rename(self.root / "next", self.link)

    def flips(self):
        """(what is renamed, to what): the flip to the commit that was prepared."""
        return self.root / "next", self.link

    def push(self):
        """One commit that changes one page, all but published: (commit, path, a word that stands in it alone)."""
        pushed = self.origin.push()
        self.prepare(pushed[0])
        return pushed
