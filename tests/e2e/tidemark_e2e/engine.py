"""Real OpenSearch and Elasticsearch, by script/engine. What fails to start is a failure: nothing is skipped."""

import base64
import http.client
import json
import os
import ssl
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from .client import Answer
from .environment import PROJECT, free_port

SCRIPT = PROJECT / "script" / "engine"


def script_engine(*arguments):
    """What it prints on standard output. A failure shows what it said."""
    result = subprocess.run([SCRIPT, *map(os.fspath, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(f"script/engine {' '.join(map(str, arguments[:2]))} ended with {result.returncode}:\n{result.stderr}")
    return result.stdout.strip()


def engine_names():
    """Those of TIDEMARK_TEST_ENGINES ("opensearch-3 elasticsearch-8"); by default the newest of both products that a JDK here runs."""
    return (os.environ.get("TIDEMARK_TEST_ENGINES") or "opensearch elasticsearch").split()


def shared_server(name):
    """The URL of one that other tests use too, so each has indexes of its own names. It stays when the test ends: ctest's fixture stops it."""
    product = name.split("-")[0].upper()
    given = os.environ.get(f"TIDEMARK_TEST_{product}_URL") or os.environ.get("TIDEMARK_TEST_ENGINE_URL")
    if given:
        return given
    folder = os.environ.get("TIDEMARK_TEST_ENGINES_DIR")
    return script_engine("url", name, "--dir", Path(folder) / name) if folder else script_engine("start", name)


class SearchServer:
    """One of the test's own, on a port of its own, which can be stopped, killed and started again on the same data."""

    def __init__(self, name, folder, port=None, plugins=None, password=None, tls=False, heap=None):
        self.name, self.folder, self.port, self.password, self.tls = name, Path(folder), port or free_port(), password, tls
        self.options = []
        for option, value in (("--plugins", plugins), ("--password", password), ("--heap", heap)):
            self.options += [option, value] if value else []
        self.options += ["--tls"] if tls else []
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    @property
    def ca_file(self):
        return self.folder / "ca.pem"

    def start(self):
        url = script_engine("start", self.name, "--dir", self.folder, "--port", str(self.port), *self.options)
        assert url == self.url, url
        return self

    def stop(self):
        script_engine("stop", self.name, "--dir", self.folder)

    def kill(self):
        """SIGKILL: what it acknowledged is there after the next start."""
        script_engine("kill", self.name, "--dir", self.folder)

    close = kill

    def request(self, method, target, body=None, expected=(200, 201), password=None):
        """`body` is JSON, or the bytes of a bulk. An unexpected status is an error that shows the answer; `expected` of None takes any."""
        answer = ask(self.url, method, target, body, ("elastic", password or self.password) if password or self.password else None, self.ca_file)
        if expected and answer.status not in expected:
            raise AssertionError(f"{method} {target} answered {answer.status}: {answer.body[:500].decode(errors='replace')}")
        return answer


def ask(url, method, target, body=None, user=None, ca_file=None, authorization=None, timeout=60):
    """One request to any server by its URL."""
    address = urlsplit(url)
    headers = {}
    if body is not None:
        raw = isinstance(body, bytes)
        headers["Content-Type"] = "application/x-ndjson" if raw else "application/json"
        body = body if raw else json.dumps(body).encode()
    if user:
        authorization = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    if authorization:
        headers["Authorization"] = authorization
    if address.scheme == "https":
        connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout, context=ssl.create_default_context(cafile=ca_file))
    else:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()
