"""The fault proxy as a test uses it: started before a server, told what to do, ended."""
import http.client
import json
import pathlib
import subprocess
import sys


class FaultProxy:
    """`with FaultProxy(url) as proxy:` then proxy.url is where to send requests."""

    def __init__(self, upstream, rules=()):
        program = pathlib.Path(__file__).with_name("fault_proxy.py")
        self.process = subprocess.Popen([sys.executable, program, "--upstream", upstream], stdout=subprocess.PIPE, text=True)
        self.port, self.control_port = map(int, self.process.stdout.readline().split())
        self.url = f"http://127.0.0.1:{self.port}"
        if rules:
            self.rules(*rules)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def command(self, method, path, value=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=60)
        try:
            connection.request(method, path, None if value is None else json.dumps(value))
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status != 200:
                raise ValueError(f"the fault proxy answered {answer.status} to {method} {path}: {body}")
            return body
        finally:
            connection.close()

    def rules(self, *rules):
        """These instead of the present ones; none: it only passes on."""
        return self.command("PUT", "/rules", list(rules))

    def hits(self):
        return [rule["hits"] for rule in self.command("GET", "/rules")]

    def refuse(self, on=True):
        self.command("PUT", "/refuse", on)

    def await_held(self, count):
        """Gives those that are held."""
        requests = self.command("GET", f"/held?count={count}")["requests"]
        if len(requests) < count:
            raise AssertionError(f"{len(requests)} of {count} requests are held")
        return requests

    def release(self):
        return self.command("POST", "/release")

    def counts(self):
        return self.command("GET", "/counts")

    def forget_counts(self):
        self.command("DELETE", "/counts")
