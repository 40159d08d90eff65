"""The search server that is measured: what it has used, when it has come to rest, and indexes like those that the agent makes."""
import time

from tidemark_e2e.engine import SearchServer
from tidemark_e2e.environment import wait_until

from .process import cpu_seconds

OWN_SETTINGS = ("uuid", "creation_date", "version", "provided_name", "replication")  # what the server itself adds to an index's settings


class MeasuredServer(SearchServer):
    def json(self, method, target, body=None):
        return self.request(method, target, body).json

    @property
    def pid(self):
        return int((self.folder / "pid").read_text())

    def cpu(self):
        return cpu_seconds(self.pid)

    def settle(self):
        """Until no merge is under way and the CPU is nearly idle for 300 ms: what a load leaves behind belongs to it."""
        mark = [time.perf_counter(), self.cpu()]

        def at_rest():
            now, used = time.perf_counter(), self.cpu()
            if now - mark[0] < 0.3:
                return False
            idle = (used - mark[1]) / (now - mark[0]) < 0.1
            mark[:] = now, used
            return idle and self.merges() == 0

        wait_until(at_rest, "the search server comes to rest", 300, pause=0.05)

    def merges(self):
        nodes = self.json("GET", "/_nodes/stats/indices/merge?filter_path=nodes.*.indices.merges.current")["nodes"]
        return sum(node["indices"]["merges"]["current"] for node in nodes.values())

    def about(self):
        answer = self.json("GET", "/")["version"]
        return f"{answer['distribution']} {answer['number']}"

    def physical(self, alias):
        """The one index behind an alias."""
        (name,) = self.json("GET", f"/{alias}/_alias")
        return name

    def creation_like(self, physical):
        """The body that creates an index with the same mapping and settings."""
        found = self.json("GET", f"/{physical}")[physical]
        settings = {name: value for name, value in found["settings"]["index"].items() if name not in OWN_SETTINGS}
        return {"settings": {"index": settings}, "mappings": found["mappings"]}

    def count(self, index):
        return self.json("GET", f"/{index}/_count")["count"]

    def size(self, index):
        return self.json("GET", f"/{index}/_stats/store?filter_path=_all.primaries.store.size_in_bytes")["_all"]["primaries"]["store"]["size_in_bytes"]

    def delete(self, pattern):
        for name in self.json("GET", f"/{pattern}?expand_wildcards=all&allow_no_indices=true&filter_path=*.aliases"):
            self.request("DELETE", f"/{name}")
