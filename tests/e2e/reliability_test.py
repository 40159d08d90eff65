#!/usr/bin/env python3
"""The fault matrix: each fault on a real server, until the index equals the tree again. --table writes docs/reliability.md."""

import argparse
import fnmatch
import sys
import tempfile
import time
import traceback

from tidemark_e2e import fault_agents, fault_network, fault_operator  # noqa: F401: their cells register themselves
from tidemark_e2e.engine import SearchServer, shared_server
from tidemark_e2e.fault_stage import CELLS, Stage
from tidemark_e2e.reliability_table import Row, write_table


def run_cell(name, url, server, trial):
    fault, _, function = CELLS[name]
    stage = Stage(url, server, seed=f"{name} {trial}")
    try:
        return function(stage)
    except BaseException:
        print(stage.tails(), file=sys.stderr)
        raise
    finally:
        stage.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="opensearch")
    parser.add_argument("--url", help="of a server that runs already, instead of script/engine's")
    parser.add_argument("--cells", default="*", help="patterns with commas between")
    parser.add_argument("--own-server", action="store_true", help="a server of the test's own: the cells that kill the server, and only they")
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--table", help="write this file; cells that did not run keep their rows")
    return parser.parse_args()


def chosen(options):
    names = [name for name in CELLS if any(fnmatch.fnmatch(name, pattern) for pattern in options.cells.split(","))]
    names = [name for name in names if CELLS[name][1] == options.own_server]
    if not names:
        raise SystemExit(f"no cell is called {options.cells}")
    return names


def main():
    options = parse_arguments()
    names, rows, failed = chosen(options), {}, []
    folder = tempfile.TemporaryDirectory(prefix="tidemark-reliability-")
    server = SearchServer(options.engine, folder.name, heap="1g").start() if options.own_server else None
    try:
        url = server.url if server else options.url or shared_server(options.engine)
        for trial in range(options.trials):
            for name in names:
                began = time.monotonic()
                try:
                    seconds, modes = run_cell(name, url, server, trial)
                    rows.setdefault(name, Row(CELLS[name][0], options.engine)).add(seconds, modes)
                    print(f"ok   {name}: {seconds:.1f} s of {time.monotonic() - began:.1f} s, {', '.join(modes) or 'nothing'}", flush=True)
                except Exception:  # the next cell is worth its trial
                    failed.append(name)
                    traceback.print_exc()
                    print(f"FAIL {name} after {time.monotonic() - began:.1f} s", flush=True)
    finally:
        if server:
            server.close()
        folder.cleanup()
    if options.table:
        write_table(options.table, {name: row for name, row in rows.items() if name not in failed})
    print(f"{sum(len(row.seconds) for row in rows.values())} trials of {len(names)} cells, {len(failed)} failed: {' '.join(sorted(set(failed)))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
