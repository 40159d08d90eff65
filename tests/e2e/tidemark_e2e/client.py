"""The agents' HTTP interfaces as a client sees them."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def request(port, method, target, headers=None, body=None, timeout=60):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


class Client:
    """Of one ingest. What answers with an unexpected status is an error that shows the answer."""

    def __init__(self, port):
        self.port = port

    def get(self, target, expected=(200,), timeout=60, **query):
        return self.call("GET", target, expected, timeout, query)

    def post(self, target, expected=(200, 202), timeout=60, **query):
        return self.call("POST", target, expected, timeout, query)

    def call(self, method, target, expected, timeout, query):
        query = {name.rstrip("_").replace("_", "-"): value for name, value in query.items() if value is not None}
        if query:
            target += "?" + urlencode(query)
        answer = request(self.port, method, target, timeout=timeout)
        if expected and answer.status not in expected:
            raise AssertionError(f"{method} {target} answered {answer.status}: {answer.body[:500].decode(errors='replace')}")
        return answer

    def alive(self):
        try:
            return request(self.port, "GET", "/healthz", timeout=5).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def status(self):
        return self.get("/api/v1/status").json

    def checkpoint(self):
        return (self.status().get("checkpoint") or {}).get("commit")

    def sync(self, commit=None):
        return request(self.port, "POST", "/api/v1/sync", {"Gitsync-Hash": commit} if commit else {})

    def resync(self, mode="rewrite", wait=None, allow_removals=None, expected=(200, 202)):
        return self.post("/api/v1/resync", expected, timeout=(wait or 0) + 60, mode=mode, wait=wait, allow_removals=allow_removals)

    def wait(self, commit, timeout=10, expected=(200, 409, 504)):
        return self.get("/api/v1/wait", expected, timeout=timeout + 30, commit=commit, timeout_=timeout)

    def search(self, text, expected=(200,), **more):
        return self.get("/api/v1/search", expected, q=text, **more).json

    def runs(self):
        return self.get("/api/v1/runs").json["runs"]

    def quarantine(self):
        return self.get("/api/v1/quarantine").json["quarantine"]

    def documents(self, limit=1000, prefix=None):
        """Every row of the listing, through its pages."""
        rows, after = [], None
        while True:
            page = self.get("/api/v1/documents", limit=limit, prefix=prefix, after=after).json
            rows += page["documents"]
            after = page.get("next")
            if not after:
                return rows
            if not page["documents"]:
                raise AssertionError("a page without documents names a next one")

    def document(self, path, expected=(200,)):
        return self.get("/api/v1/documents/" + quote(path, safe="/"), expected)

    def metrics(self):
        """{name{labels}: value}"""
        values = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values
