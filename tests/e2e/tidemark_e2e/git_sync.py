"""What kubernetes/git-sync v4 leaves on a volume, made with the git command as it does it: shallow fetch, linked worktree, link flip, gc that prunes at once."""

import os
import shutil
from pathlib import Path

from .client import request
from .git import git


class GitSyncVolume:
    def __init__(self, root, repo, ref="main", depth=1, filter_spec=None):
        self.root, self.repo, self.ref = Path(root), repo, ref
        self.fetch_options = ([f"--depth={depth}"] if depth else []) + ([f"--filter={filter_spec}"] if filter_spec else [])
        self.link = self.root / "current"
        self.root.mkdir()
        git("init", "--quiet", "-b", "git-sync", self.root)
        git("remote", "add", "origin", self.repo, cwd=self.root)
        for name, value in {"gc.pruneExpire": "now", "core.fsync": "none", "protocol.version": "2"}.items():
            git("config", name, value, cwd=self.root)
        if filter_spec:
            git("config", "remote.origin.promisor", "true", cwd=self.root)
            git("config", "remote.origin.partialclonefilter", filter_spec, cwd=self.root)

    def publish(self, sparse=None, checkout=True):
        """One pass of its loop: gives the commit."""
        git(
            "fetch",
            "--quiet",
            "origin" if "--filter=" in " ".join(self.fetch_options) else self.repo,
            self.ref,
            "--prune",
            "--no-auto-gc",
            *self.fetch_options,
            cwd=self.root,
        )
        commit = git("rev-parse", "FETCH_HEAD^{}", cwd=self.root).decode().strip()
        if self.link.is_symlink() and os.path.basename(os.readlink(self.link)) == commit:
            return commit
        git("reset", "--quiet", "--soft", commit, cwd=self.root)
        tree = self.root / ".worktrees" / commit
        shutil.rmtree(os.fsencode(tree), ignore_errors=True)
        git("worktree", "prune", cwd=self.root)
        git("worktree", "add", "--quiet", "--force", "--detach", tree, commit, "--no-checkout", cwd=self.root)
        (tree / ".git").write_text(f"gitdir: ../../.git/worktrees/{commit}\n")
        if sparse:
            (self.root / ".git" / "worktrees" / commit / "info").mkdir(exist_ok=True)
            (self.root / ".git" / "worktrees" / commit / "info" / "sparse-checkout").write_text(sparse)
            git("config", "core.sparseCheckout", "true", cwd=self.root)
        if checkout:
            git("reset", "--quiet", "--hard", commit, cwd=tree)
        temporary = self.root / "tmp-link"
        temporary.symlink_to(Path(".worktrees") / commit)
        temporary.rename(self.link)
        return commit

    def clean(self, commit):
        """After its success: every other worktree leaves, and with it the objects."""
        for entry in os.listdir(self.root / ".worktrees"):
            if entry != commit:
                shutil.rmtree(os.fsencode(self.root / ".worktrees" / entry))
        git("worktree", "prune", cwd=self.root)
        git("reflog", "expire", "--expire=all", "--all", cwd=self.root)
        git("gc", "--quiet", "--prune=now", cwd=self.root)

    def has(self, oid):
        return git("cat-file", "-t", oid, cwd=self.root, check=False) != b""

    @staticmethod
    def notify(port, commit):
        """Its webhook: exactly 200 within a second counts."""
        answer = request(port, "POST", "/api/v1/sync", {"Gitsync-Hash": commit, "Content-Length": "0"}, timeout=1)
        if answer.status != 200:
            raise AssertionError(f"the webhook got {answer.status}")
