#!/usr/bin/env python3
"""Twenty parallel clients ask for syncs and resyncs while pushes go on: nothing lost, one run at a time, the last push searchable at the end."""

import http.client
import random
import threading
import time
import unittest
from collections import Counter
from datetime import datetime

from tidemark_e2e.case import EndToEnd
from tidemark_e2e.client import request
from tidemark_e2e.environment import wait_until
from tidemark_e2e.generator import Generator
from tidemark_e2e.world import MAX_FILE_SIZE

CLIENTS = 20
PUSHES = 60


class Client(threading.Thread):
    """Asks one kind of question again and again until told to end; keeps what was answered."""

    def __init__(self, number, test):
        super().__init__(name=f"client {number}")
        self.number, self.test, self.chance = number, test, random.Random(number)
        self.answers, self.slowest, self.runs, self.failures = Counter(), Counter(), set(), []
        self.done = threading.Event()

    def run(self):
        kinds = {0: self.sync, 1: self.hint, 2: self.resync, 3: self.search, 4: self.wait}
        while not self.done.is_set():
            began = time.monotonic()
            kind = kinds[self.number % 4 if self.number < 16 else 4]
            try:
                answer = kind()
            except (OSError, http.client.HTTPException) as failure:
                self.failures.append(f"{kind.__name__}: {failure!r}")
                continue
            self.answers[kind.__name__, answer.status] += 1
            self.slowest[kind.__name__] = max(self.slowest[kind.__name__], time.monotonic() - began)
            self.done.wait(self.chance.random() * 0.02)

    def sync(self):
        return request(self.test.sync.port, "POST", "/sync")

    def hint(self):
        return request(self.test.ingest.port, "POST", "/api/v1/sync", {"Gitsync-Hash": "%040x" % self.chance.getrandbits(160)})

    def resync(self):
        answer = request(self.test.ingest.port, "POST", f"/api/v1/resync?mode={self.chance.choice(['rewrite', 'audit'])}")
        if answer.status == 202:
            self.runs.add(answer.json["run"])
        return answer

    def search(self):
        return request(self.test.ingest.port, "GET", "/api/v1/search?q=alpha")

    def wait(self):
        return request(self.test.ingest.port, "GET", f"/api/v1/wait?commit={self.test.newest}&timeout=1")


class Hammer(EndToEnd):
    def test_parallel_clients_lose_nothing_and_never_make_two_runs_at_once(self):
        self.start()
        generator = Generator(99, MAX_FILE_SIZE, size=40)
        self.newest = self.push_one(generator)
        self.level(self.newest)
        clients = [Client(number, self) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            for _ in range(PUSHES):
                self.newest = self.push_one(generator)
                if random.Random(self.newest).random() < 0.3:
                    self.sync.wait_for(self.newest)
            last = self.newest
        finally:
            for client in clients:
                client.done.set()
            for client in clients:
                client.join()
        # No hint of the test's own: those of the clients are the only ones since the last push but for one more, as a webhook that came after it.
        self.sync.hint()
        self.sync.wait_for(last)
        self.ingest.wait_for(last)
        wait_until(lambda: not self.client.status().get("running"), "quiet")
        self.same(last)
        self.look_at(clients)

    def push_one(self, generator):
        push = generator.next_push()
        if push.target is None:
            commit = self.bare.commits(push.steps)[-1]
        else:
            commit = generator.tips[push.target]
            self.bare.move(commit)
        generator.pushed(commit, push.tree)
        return commit

    def look_at(self, clients):
        self.assertEqual([failure for client in clients for failure in client.failures], [])
        answers, slowest = Counter(), Counter()
        for client in clients:
            answers.update(client.answers)
            for kind, seconds in client.slowest.items():
                slowest[kind] = max(slowest[kind], seconds)
        for (kind, status), count in answers.items():
            allowed = {"sync": (200, 202), "hint": (200,), "resync": (202,), "search": (200,), "wait": (200, 504, 503)}[kind]
            self.assertIn(status, allowed, f"{count} times {kind}")
        self.assertLess(slowest["hint"], 1.0, "git-sync gives up on a webhook after a second")
        runs = self.client.runs()
        spans = sorted((self.time(run["started"]), self.time(run["ended"]), run["id"]) for run in runs if run["outcome"] not in ("queued", "running"))
        for (_, ended, one), (started, _, other) in zip(spans, spans[1:]):
            self.assertLessEqual(ended, started, f"runs {one} and {other} overlap")
        self.assertEqual([run for run in runs if run["outcome"] != "succeeded"], [])
        asked = set().union(*(client.runs for client in clients))
        oldest = min(run["id"] for run in runs)
        for run in sorted(asked):
            if run >= oldest:
                self.assertEqual(self.client.get(f"/api/v1/runs/{run}").json["outcome"], "succeeded")
        print(
            f"hammer: {CLIENTS} clients, {PUSHES} pushes, {sum(answers.values())} requests {dict(answers)}, slowest (s) "
            f"{ {kind: round(seconds, 3) for kind, seconds in slowest.items()} }, {len(runs)} runs {dict(Counter(run['mode'] for run in runs))}, none overlapping"
        )

    @staticmethod
    def time(text):
        return datetime.fromisoformat(text.replace("Z", "+00:00"))


if __name__ == "__main__":
    unittest.main()
