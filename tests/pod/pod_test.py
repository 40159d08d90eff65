#!/usr/bin/env python3
"""The Pod of manifests/pod.yaml under podman: the first index, a push, a forced resync, the locks on the containers, and the end.

Builds the image, serves a repository by git's own HTTP backend on loopback, and plays the manifest with this run's ports, repository and names in it.
"""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
CONTAINERS = str(TOP / "script" / "containers")
IMAGE = "localhost/tidemark:test"
POD = f"tidemark-test-{os.getpid()}"
DEADLINE = 60


def run(*command, **options):
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if result.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def podman(*arguments):
    return run(CONTAINERS, "podman", *arguments)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def http(url, method="GET", timeout=10):
    """(status, body) of a request; (0, reason) if nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def wait_for(what, condition, seconds=DEADLINE):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Repository:
    """A bare repository, a clone to work in, and the server that gives it to the Pod."""

    def __init__(self, folder):
        self.bare = folder / "served" / "handbook.git"
        self.work = folder / "work"
        run("git", "init", "--quiet", "--bare", "--initial-branch=main", self.bare)
        run("git", "init", "--quiet", "--initial-branch=main", self.work)
        run("git", "-C", self.work, "remote", "add", "origin", self.bare)
        self.server = subprocess.Popen(
            [sys.executable, "-u", TOP / "tests/servers/git_http_server.py", "--root", self.bare.parent, "--exit-with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.server.stdout.readline())}/handbook.git"

    def push(self, **files):
        for name, text in files.items():
            (self.work / f"{name}.md").write_text(text)
        git = ["git", "-C", self.work, "-c", "user.name=Test", "-c", "user.email=test@example.org"]
        run(*git, "add", "--all")
        run(*git, "commit", "--quiet", "--message", "pages")
        run(*git, "push", "--quiet", "origin", "HEAD:main")
        return run(*git, "rev-parse", "HEAD").strip()

    def close(self):
        self.server.stdin.close()
        self.server.wait(10)
        self.server.stdout.close()


def manifest(repository_url, control, probes, sync):
    """manifests/pod.yaml with this run's values. Podman can't look at HTTP probes from outside, so they are taken out here and asked by the test itself."""
    pod = yaml.safe_load((TOP / "manifests" / "pod.yaml").read_text())
    pod["metadata"]["name"] = POD
    ours = {
        "--repo": repository_url,
        "--period": "1s",
        "--webhook-url": f"http://127.0.0.1:{control}/api/v1/sync",
        "--http-bind": f"127.0.0.1:{sync}",
        "--listen": f"127.0.0.1:{control}",
        "--probe-listen": f"127.0.0.1:{probes}",
    }
    replaced = set()
    probed = {}
    for container in pod["spec"]["containers"]:
        container["image"] = IMAGE
        container["imagePullPolicy"] = "Never"
        named = {port["name"]: port["containerPort"] for port in container.pop("ports")}
        for index, argument in enumerate(container["args"]):
            flag = argument.partition("=")[0]
            if flag in ours:
                container["args"][index] = f"{flag}={ours[flag]}"
                replaced.add(flag)
        for kind in ("livenessProbe", "readinessProbe"):
            if kind in container:
                get = container.pop(kind)["httpGet"]
                assert get["port"] in named, f"{kind} of {container['name']} names a port that is not there"
                probed[container["name"], kind] = get["path"]
    assert replaced == set(ours), f"the manifest lacks {set(ours) - replaced}"
    for volume in pod["spec"]["volumes"]:
        volume["name"] = f"{POD}-{volume['name']}"
    for container in pod["spec"]["containers"]:
        for mount in container["volumeMounts"]:
            mount["name"] = f"{POD}-{mount['name']}"
    return yaml.safe_dump(pod), probed


class PodTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(cls.cleanup)
        cls.folder = tempfile.TemporaryDirectory(prefix="tidemark-pod-")
        cls.addClassCleanup(cls.folder.cleanup)
        folder = pathlib.Path(cls.folder.name)
        print(run(CONTAINERS, "image", IMAGE).splitlines()[-1], flush=True)
        cls.repository = Repository(folder)
        cls.addClassCleanup(cls.repository.close)
        cls.first = cls.repository.push(harbour="# The harbour\n\nShips wait here for the spring tide.\n", keeper="# The keeper\n\nShe trims the lamp at dusk.\n")
        cls.control, cls.probes, cls.sync = free_ports(3)
        text, cls.probed = manifest(cls.repository.url, cls.control, cls.probes, cls.sync)
        cls.file = folder / "pod.yaml"
        cls.file.write_text(text)
        podman("kube", "play", "--network=host", cls.file)

    @classmethod
    def cleanup(cls):
        if sys.exc_info()[0] or getattr(cls, "broken", False):
            for container in ("sync", "ingest"):
                subprocess.run([CONTAINERS, "podman", "logs", "--tail", "20", f"{POD}-{container}"], check=False)
        subprocess.run([CONTAINERS, "podman", "pod", "rm", "--force", "--ignore", "--time", "0", POD], check=False, stdout=subprocess.DEVNULL)
        for volume in ("git", "index"):
            subprocess.run([CONTAINERS, "podman", "volume", "rm", "--force", f"{POD}-{volume}"], check=False, capture_output=True)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            PodTest.broken = True

    def api(self, path):
        return f"http://127.0.0.1:{self.control}/api/v1/{path}"

    def status(self):
        code, body = http(self.api("status"))
        return json.loads(body) if code == 200 else None

    def paths(self, words):
        code, body = http(self.api("search?q=" + urllib.parse.quote(words)))
        return [hit["path"] for hit in json.loads(body)["hits"]] if code == 200 else None

    def wait_for_checkpoint(self, commit):
        def reached():
            for container in ("sync", "ingest"):
                running = podman("inspect", "--format", "{{.State.Running}}", f"{POD}-{container}").strip()
                self.assertEqual(running, "true", f"{container} has ended")
            status = self.status()
            return status and (status.get("checkpoint") or {}).get("commit") == commit
        wait_for(f"checkpoint {commit}", reached)

    # One Pod, in this order.
    def test_1_the_first_index_is_searchable(self):
        self.wait_for_checkpoint(self.first)
        self.assertEqual(self.status()["documents"], 2)
        self.assertEqual(self.paths("spring tide"), ["harbour.md"])

    def test_2_the_probes_of_the_manifest_answer(self):
        ports = {"sync": self.sync, "ingest": self.probes}
        self.assertEqual(len(self.probed), 3)
        for (container, _), path in self.probed.items():
            url = f"http://127.0.0.1:{ports[container]}{path}"
            self.assertEqual(http(url)[0], 200, url)

    def test_3_a_push_is_searchable(self):
        self.assertEqual(self.paths("barnacles"), [])
        second = self.repository.push(hull="# The hull\n\nScrape the barnacles before winter.\n")
        self.wait_for_checkpoint(second)
        self.assertEqual(self.paths("barnacles"), ["hull.md"])

    def test_4_a_forced_resync_rewrites_every_document(self):
        code, body = http(self.api("resync?mode=rewrite&wait=30"), method="POST", timeout=40)
        self.assertEqual(code, 200, body)
        self.assertEqual(json.loads(body)["outcome"], "succeeded", body)
        self.assertEqual(json.loads(body)["upserted"], 3, body)
        self.assertEqual(self.paths("spring tide"), ["harbour.md"])

    def test_5_the_containers_are_locked_down(self):
        for container in ("sync", "ingest"):
            about = json.loads(podman("inspect", f"{POD}-{container}"))[0]
            pid = about["State"]["Pid"]
            lines = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
            self.assertEqual(set(lines["Uid"].split()), {"65532"}, container)
            self.assertEqual(int(lines["CapEff"], 16) | int(lines["CapPrm"], 16) | int(lines["CapBnd"], 16), 0, container)
            self.assertEqual(lines["NoNewPrivs"].strip(), "1", container)
            self.assertEqual(lines["Seccomp"].strip(), "2", container)  # 2 = a filter
            mounts = {}
            for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
                fields = line.split()
                mounts[fields[4]] = fields[5].split(",")[0]
            self.assertEqual(mounts["/"], "ro", container)
            self.assertEqual(mounts["/git"], "rw" if container == "sync" else "ro", container)
            self.assertEqual(about["HostConfig"]["Memory"], 64 * 1024 * 1024, container)

    def test_6_sigterm_stops_both_in_time_and_cleanly(self):
        began = time.monotonic()
        podman("pod", "stop", "--time", "15", POD)
        self.assertLess(time.monotonic() - began, 12)
        for container in ("sync", "ingest"):
            about = json.loads(podman("inspect", f"{POD}-{container}"))[0]
            self.assertEqual(about["State"]["ExitCode"], 0, container)


if __name__ == "__main__":
    unittest.main(verbosity=2)
