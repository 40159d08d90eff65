"""tidemark-sync and tidemark-ingest as processes: flags, captured logs, signals, restarts on the same ports and files."""

import os
import re
import signal
import subprocess
from pathlib import Path

from .client import Client, request
from .environment import PATIENCE, binary, free_port, wait_until


class Process:
    def __init__(self, name, log_file, environment=None):
        self.name, self.log_file, self.extra_environment = name, Path(log_file), environment or {}
        self.process = None
        self.wrapper = []  # a command that runs the program, `ip netns exec ...` for instance

    def arguments(self):
        raise NotImplementedError

    def start(self):
        assert self.process is None or self.process.poll() is not None, f"{self.name} runs already"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT", "TIDEMARK"))}
        environment.update(HOME="/nonexistent", **self.extra_environment)
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, binary(f"tidemark-{self.name}"), *map(os.fspath, self.arguments())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def run(self, patience=None):
        """Starts it and waits for its end: gives (exit code, what it wrote)."""
        before = len(self.log())
        self.start()
        try:
            code = self.process.wait(patience or PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end:\n{self.log()[before:][-3000:]}") from None
        return code, self.log()[before:]

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def tail(self, lines=25):
        return f"--- {self.name}'s log ({self.log_file})\n" + "\n".join(self.log().splitlines()[-lines:])

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.running():
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def anonymous_memory(self):
        """RssAnon in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s*(\d+) kB", status)[1]) * 1024

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """SIGTERM, as a Pod's end does it: gives the exit code. Over 10 s is a failure of its own."""
        if not self.running():
            return self.process.returncode if self.process else None
        self.process.terminate()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not drain within 15 s\n{self.tail()}") from None

    def close(self):
        """Ends it, and refuses to pass over what a sanitizer or an abort has to say."""
        code = self.stop()
        complaint = re.search(r"(?s)(ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error: |terminate called).*", self.log())
        if complaint:
            raise AssertionError(f"{self.name}: {complaint.group(0)[:4000]}")
        if code not in (0, None, -signal.SIGKILL):
            raise AssertionError(f"{self.name} ended with {code} after SIGTERM\n{self.tail()}")


def flags(options):
    """{"max_file_size": "1KiB", "one_time": True, "include": [..]} as arguments; None leaves one out."""
    out = []
    for name, value in options.items():
        name = "--" + name.replace("_", "-")
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is None or item is False:
                continue
            out += [name] if item is True else [name, str(item)]
    return out


class Sync(Process):
    def __init__(self, folder, repo, webhook=None, environment=None, log_name="sync.log", **options):
        if re.match(r"ssh://|[^/:]+@[^/:]+:", str(repo)):
            environment = {"LSAN_OPTIONS": f"suppressions={Path(__file__).with_name('ssh_leaks.supp')}:print_suppressions=0", **(environment or {})}
        super().__init__("sync", Path(folder) / log_name, environment)
        self.root = Path(folder) / "root"
        self.port = free_port()
        self.options = {
            "repo": repo,
            "ref": "main",
            "root": self.root,
            "link": "current",
            "period": "60s",
            "http_bind": f"127.0.0.1:{self.port}",
            "http_metrics": True,
            "webhook_url": webhook,
            "webhook_backoff": "1s" if webhook else None,
            "max_failures": -1,
            **options,
        }

    def arguments(self):
        return flags(self.options if self.options["http_bind"] else {**self.options, "http_metrics": None})

    @property
    def link(self):
        link = Path(self.options["link"])
        return link if link.is_absolute() else Path(self.options["root"]) / link

    def published(self):
        try:
            return os.path.basename(os.readlink(self.link))
        except OSError:
            return None

    def hint(self):
        return request(self.port, "POST", "/sync")

    def ready(self):
        try:
            return request(self.port, "GET", "/", timeout=5).status == 200
        except OSError:
            return False

    def answers(self):
        try:
            return request(self.port, "GET", "/", timeout=5).status in (200, 503)
        except OSError:
            return False

    def wait_for(self, commit, patience=None):
        wait_until(lambda: self.published() == commit, lambda: f"sync publishes {commit}\n{self.tail()}", patience)


class Ingest(Process):
    def __init__(self, folder, link, database=None, environment=None, log_name="ingest.log", **options):
        super().__init__("ingest", Path(folder) / log_name, environment)
        self.database = Path(database or Path(folder) / "index.db")
        self.port = free_port()
        self.client = Client(self.port)
        self.options = {"source": link, "engine": f"sqlite:{self.database}", "listen": f"127.0.0.1:{self.port}", "reconcile_period": "30s", **options}

    def arguments(self):
        return flags(self.options)

    @property
    def webhook(self):
        return f"http://127.0.0.1:{self.port}/api/v1/sync"

    def wait_alive(self, patience=None):
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"ingest ended with {self.process.returncode}\n{self.tail()}")
            return self.client.alive()

        wait_until(answers, lambda: f"ingest answers\n{self.tail()}", patience)
        return self

    def wait_for(self, commit, patience=None):
        """Until the index is that very commit (an older one may be an ancestor of what it holds) and nothing runs."""

        def level():
            status = self.client.status()
            if (status.get("checkpoint") or {}).get("commit") == commit:
                return True
            self.client.wait(commit, timeout=0.5)
            return False

        wait_until(
            level, lambda: f"the index reaches {commit}\n{self.client.status() if self.client.alive() else 'no answer'}\n{self.tail()}", patience
        )


class Pair:
    """A sync and an ingest over one volume, joined by the webhook."""

    def __init__(self, folder, repo, sync_options=None, ingest_options=None):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.sync = Sync(folder, repo, **(sync_options or {}))
        self.ingest = Ingest(folder, self.sync.link, **(ingest_options or {}))
        self.sync.options["webhook_url"] = self.ingest.webhook
        self.sync.options["webhook_backoff"] = self.sync.options["webhook_backoff"] or "1s"

    def start(self):
        self.ingest.start()
        self.sync.start()
        self.ingest.wait_alive()
        wait_until(self.sync.answers, lambda: f"sync answers\n{self.sync.tail()}")
        return self

    def settle(self, commit, patience=None):
        """Tells sync of a push and waits until it is searchable."""
        self.sync.hint()
        self.sync.wait_for(commit, patience)
        self.ingest.wait_for(commit, patience)

    def tails(self):
        return self.sync.tail() + "\n" + self.ingest.tail()

    def close(self):
        try:
            self.sync.close()
        finally:
            self.ingest.close()
