"""Each measure of tidemark-sync beside the git command, on one repository, by turns."""
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

from tidemark_e2e.client import request
from tidemark_e2e.environment import wait_until
from tidemark_e2e.processes import Sync

from .measures import QUIET_GIT, settle, watched
from .process import MemoryLimit, MemorySampler, cpu_seconds, wait_for_end

PATIENCE = 600  # seconds for a first publish
LOOK = 0.0001   # seconds between two looks at the link
NOOPS = r'^git_sync_count_total\{status="noop"\} (\d+)'


@dataclass
class Took:
    seconds: float
    cpu: float
    anonymous: int = 0  # KiB


def timed_git(*arguments):
    before, begin = os.times(), time.perf_counter()
    subprocess.run(["git", *QUIET_GIT, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - begin, os.times()
    return Took(seconds, after.children_user + after.children_system - before.children_user - before.children_system)


def made_sync(url, folder, **options):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Sync(folder, url, **options)


def first_publish(origin, url, folder, wrapper=()):
    """`--one-time` on an empty volume, from the start of the process to its end."""
    sync = made_sync(url, folder, one_time=True, http_bind=None)
    sync.wrapper = list(wrapper)
    before, begin = os.times(), time.perf_counter()
    sync.start()
    with MemorySampler([sync.process.pid]) as memory:
        wait_for_end(sync.process.pid, PATIENCE)
        seconds = time.perf_counter() - begin
    code, after = sync.process.wait(), os.times()
    if code != 0 or sync.published() != origin.head:
        raise RuntimeError(f"tidemark-sync ended with {code}\n{sync.tail()}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(seconds, cpu, memory.anonymous[sync.process.pid])


def publish_pairs(origin, url, folder, repeat):
    """[(ours, git clone --depth 1)], the order changing with each pair."""
    def clone():
        shutil.rmtree(folder / "clone", ignore_errors=True)
        return timed_git("clone", "--quiet", "--depth", "1", url, folder / "clone")

    pairs = []
    for attempt in range(repeat):
        os.sync()  # what the one before left to be written is not this one's
        if attempt % 2:
            reference = clone()
            os.sync()
            ours = first_publish(origin, url, folder / "sync")
        else:
            ours = first_publish(origin, url, folder / "sync")
            os.sync()
            reference = clone()
        pairs.append((ours, reference))
        shutil.rmtree(folder)
    return pairs


def limited_publish(origin, url, folder, limit_bytes):
    """The same in a memory group of its own: seconds, or the reason why it was not measured or failed."""
    try:
        limit = MemoryLimit(f"tidemark-bench-{os.getpid()}-sync", limit_bytes)
    except OSError as error:
        return f"not measured: no memory group can be made here ({error})"
    try:
        return first_publish(origin, url, folder, limit.wrapper).seconds
    except RuntimeError as error:
        return f"**failed**: {str(error).splitlines()[0]}"
    finally:
        limit.close()
        shutil.rmtree(folder, ignore_errors=True)


def until_flipped(sync, commit):
    """From the hint until the link names the commit."""
    with socket.create_connection(("127.0.0.1", sync.port)) as connection:
        begin = time.perf_counter()
        connection.sendall(b"POST /sync HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        wait_until(lambda: sync.published() == commit, f"{commit} is published", 120, pause=LOOK)
        return time.perf_counter() - begin


def push_pairs(origin, url, folder, count, checkout):
    """[(ours, git fetch --depth 1)] of the same pushes of one changed file."""
    sync = made_sync(url, folder / "sync", checkout=checkout, period="1h")
    clone = folder / "clone.git"
    pairs = []
    try:
        sync.start()
        sync.wait_for(origin.head, PATIENCE)
        timed_git("clone", "--quiet", "--bare", "--depth", "1", url, clone)
        pid = sync.process.pid
        settle({"sync": pid})
        for number in range(count):
            commit, _, _ = origin.push()

            def ours():
                before = cpu_seconds(pid)
                seconds = until_flipped(sync, commit)
                settle({"sync": pid})  # tidying up is part of what a push costs
                return Took(seconds, cpu_seconds(pid) - before)

            def fetch():
                return timed_git("-C", clone, "fetch", "--quiet", "--depth", "1", url, origin.ref)

            if number % 2:
                reference = fetch()
                pairs.append((ours(), reference))
            else:
                pairs.append((ours(), fetch()))
    finally:
        sync.close()
        shutil.rmtree(folder, ignore_errors=True)
    return pairs


class CountingRelay:
    """Passes connections on to a port of this machine and counts the bytes of both directions."""

    def __init__(self, port):
        self.target, self.bytes, self.connections = port, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in ((client, server), (server, client)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.relay, args=(source, sink), daemon=True).start()

    def relay(self, source, sink):
        try:
            while data := source.recv(65536):
                self.bytes += len(data)
                sink.sendall(data)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


@dataclass
class Poll:
    cpu: float
    bytes: float
    connections: float


def polls(origin, url, port, folder, seconds, checkout):
    """One poll with nothing new of a repository over http, ten a second. `url` is that of the server at `port`."""
    relay = CountingRelay(port)
    sync = made_sync(re.sub(rf":{port}/", f":{relay.port}/", url, count=1), folder, checkout=checkout, period="100ms")
    try:
        sync.start()
        sync.wait_for(origin.head, PATIENCE)
        pid = sync.process.pid
        settle_polls(sync)
        marks = relay.bytes, relay.connections
        cpu, count = watched(sync, NOOPS, lambda: time.sleep(seconds), lambda: cpu_seconds(pid))
        return Poll(cpu / count, (relay.bytes - marks[0]) / count, (relay.connections - marks[1]) / count)
    finally:
        sync.close()
        relay.close()
        shutil.rmtree(folder, ignore_errors=True)


def settle_polls(sync):
    """Until ten polls in a row found nothing new."""
    first = count_noops(sync)
    wait_until(lambda: count_noops(sync) >= first + 10, "ten polls", 60, pause=0.1)


def count_noops(sync):
    found = re.search(NOOPS, request(sync.port, "GET", "/metrics").body.decode(), re.M)
    return int(found[1]) if found else 0
