#!/usr/bin/env python3
"""The model-based test: after each of many random pushes through both real programs, the index equals the tree as the git command sees it.

TIDEMARK_BIN_DIR=build/release tests/e2e/model_test.py --pushes 5000 --seed 7 --kill
"""

import argparse
import random
import sys
import threading
import time
import unittest
from collections import Counter

from tidemark_e2e.engine import shared_server
from tidemark_e2e.environment import wait_until
from tidemark_e2e.generator import Generator
from tidemark_e2e.shrink import describe, shrink
from tidemark_e2e.world import MAX_FILE_SIZE, World

OPTIONS = argparse.Namespace(pushes=300, seed=1, kill=False, checkout="full", transport="file", engine=None, start=0, rebuild_every=100, verbose=False)


class Model(unittest.TestCase):
    def setUp(self):
        self.options = OPTIONS
        self.generator = Generator(self.options.seed, MAX_FILE_SIZE)
        self.chance = random.Random(f"{self.options.seed} what happens around a push")
        self.server_url = shared_server(self.options.engine) if self.options.engine else None
        self.world = World(self.options.checkout, self.options.transport, self.server_url)
        self.steps, self.happened, self.modes = [], Counter(), Counter()
        self.runs_seen = set()
        self.failed = False

    def tearDown(self):
        self.world.close(quietly=self.failed)

    def test_after_every_push_the_index_equals_the_tree(self):
        began = time.monotonic()
        started = False
        for step in range(self.options.pushes):
            commit = self.push(step)
            if step < self.options.start:
                continue
            try:
                if not started:
                    self.world.pair.start()
                    started = True
                if self.options.kill:
                    self.kill_someone()
                self.world.pair.settle(commit)
                differences = self.world.check(commit, self.chance)
                self.count_runs()
                if not differences and (step % self.options.rebuild_every == self.options.rebuild_every - 1 or step + 1 == self.options.pushes):
                    differences = self.world.check_rebuild()
                if not differences:
                    differences = self.something_else(commit)
            except AssertionError as failure:
                self.give_up(step, [str(failure)])
            if differences:
                self.give_up(step, differences)
            if self.options.verbose and step % 100 == 99:
                print(f"{step + 1} pushes, {self.world.documents} documents compared, {time.monotonic() - began:.1f} s", flush=True)
        print(
            f"model: seed {self.options.seed}, {self.options.pushes - self.options.start} pushes, {self.world.documents} documents compared, 0 differences, "
            f"{time.monotonic() - began:.1f} s; {self.options.engine or 'sqlite'}, checkout {self.options.checkout}, {self.options.transport}; "
            f"runs {dict(self.modes)}; {dict(self.happened)}",
            flush=True,
        )

    def push(self, step):
        push = self.generator.next_push()
        if push.target is not None:
            commit = self.generator.tips[push.target]
            self.world.bare.move(commit)
        else:
            commit = self.world.bare.commits(push.steps)[-1]
        self.generator.pushed(commit, push.tree)
        self.steps.append((step, commit, push.words))
        return commit

    def kill_someone(self):
        """kill -9 of one of the two at a random moment around the push, then a restart; they take turns."""
        if self.chance.random() < 0.4:
            return
        pair = self.world.pair
        victim = (pair.sync, pair.ingest)[self.happened["kills"] % 2]
        self.happened["kills"] += 1
        if self.chance.random() < 0.2:
            pair.ingest.client.resync(self.chance.choice(["rewrite", "audit"]))
            self.happened["resyncs"] += 1
        pair.sync.hint()
        threading.Event().wait(self.chance.choice([0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]) * self.chance.random())
        victim.kill()
        victim.start()
        if victim is pair.ingest:
            self.runs_seen.clear()
            victim.wait_alive()
        else:
            wait_until(victim.answers, lambda: f"sync answers after a kill\n{victim.tail()}")

    def something_else(self, commit):
        """Now and then: a restart in good order, a forced resync; the index stays what it was."""
        pair, shape = self.world.pair, self.chance.random()
        if shape < 0.01:
            self.happened["restarts"] += 1
            victim = self.chance.choice([pair.sync, pair.ingest])
            victim.stop()
            victim.start()
            pair.ingest.wait_alive()
            wait_until(pair.sync.answers, lambda: f"sync answers after a restart\n{pair.sync.tail()}")
            if victim is pair.ingest:
                self.runs_seen.clear()
            pair.ingest.wait_for(commit)
        elif shape < 0.02:
            self.happened["resyncs"] += 1
            pair.ingest.client.resync(self.chance.choice(["rewrite", "audit"]), wait=60, expected=(200,))
        else:
            return []
        return self.world.check(commit, self.chance)

    def count_runs(self):
        for run in self.world.pair.ingest.client.runs():
            if run["outcome"] in ("succeeded", "failed", "stalled") and run["id"] not in self.runs_seen:
                self.runs_seen.add(run["id"])
                self.modes[run["mode"] if run["outcome"] == "succeeded" else run["outcome"]] += 1
                if run["outcome"] != "succeeded" and not self.options.kill:
                    raise AssertionError(f"a run did not succeed: {run}")

    def give_up(self, step, differences):
        self.failed = True
        said = [
            f"seed {self.options.seed}, push {step}: {len(differences)} differences",
            *("  " + line for line in differences[:40]),
            "the last pushes:",
        ]
        said += [f"  {number} {commit[:12]} {'; '.join(words)}" for number, commit, words in self.steps[-6:]]
        engine_flags = f" --engine {self.options.engine}" if self.options.engine else ""
        replay_flags = " --kill" if self.options.kill else ""
        said.append(
            f"replay: model_test.py --seed {self.options.seed} --pushes {step + 1} --start {max(0, step - 20)} --checkout {self.options.checkout} "
            f"--transport {self.options.transport}{replay_flags}{engine_flags}"
        )
        said.append(self.world.pair.tails())
        small = shrink(self.generator.trees[max(0, step - 8) : step + 1], self.options.checkout, self.server_url)
        if small:
            said += [f"shrunk to {len(small[0])} pushes, where it shows as:", *("  " + line for line in small[1][:10]), describe(small[0])]
        else:
            said.append("the last trees alone do not show it: the timing or the history matters")
        self.fail("\n".join(said))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushes", type=int, default=OPTIONS.pushes)
    parser.add_argument("--seed", type=int, default=OPTIONS.seed)
    parser.add_argument("--kill", action="store_true", help="kill -9 of either process at random moments")
    parser.add_argument("--checkout", choices=["full", "none"], default=OPTIONS.checkout)
    parser.add_argument("--transport", choices=["file", "git", "http"], default=OPTIONS.transport)
    parser.add_argument("--engine", help="a search server by script/engine's name, instead of an SQLite file: opensearch, elasticsearch-8")
    parser.add_argument("--start", type=int, default=0, help="make the pushes before this one without the programs")
    parser.add_argument(
        "--rebuild-every", type=int, default=OPTIONS.rebuild_every, help="compare with an index made from nothing after so many pushes"
    )
    parser.add_argument("--verbose", action="store_true")
    parser.parse_args(namespace=OPTIONS)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
