"""Real git servers in front of a folder of bare repositories: git daemon, smart HTTP with basic auth, sshd."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from .environment import PROJECT, free_port, wait_until
from .git import git_environment

HTTP_SERVER = PROJECT / "tests" / "servers" / "git_http_server.py"


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Server:
    """A process that is ended by its own id."""

    process = None

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout) if self.process else ():
            if stream:
                stream.close()


class GitDaemon(Server):
    def __init__(self, root):
        self.port = free_port()
        # --export-all would also do; the repositories carry git-daemon-export-ok. Not through `git daemon`, which would be a second process to end.
        program = os.path.join(subprocess.check_output(["git", "--exec-path"], text=True).strip(), "git-daemon")
        self.process = subprocess.Popen(
            [program, "--listen=127.0.0.1", f"--port={self.port}", f"--base-path={root}", "--reuseaddr", "--informative-errors"],
            env=git_environment(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*"),
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: accepts(self.port), "git daemon listens")

    def url(self, name):
        return f"git://127.0.0.1:{self.port}/{name}"


class HttpBackend(Server):
    """git_http_server.py with its options; `more` may have --port, --certificate and --log."""

    def __init__(self, root, user=None, password="", *more):
        self.scheme = "https" if "--certificate" in more else "http"
        arguments = [sys.executable, HTTP_SERVER, "--root", root, "--exit-with-stdin", *more]
        if user is not None:
            arguments += ["--user", user, "--password", password]
        self.process = subprocess.Popen(list(map(str, arguments)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def url(self, name, login="", host="127.0.0.1"):
        return f"{self.scheme}://{login}{host}:{self.port}/{name}"


class ForwardProxy(Server):
    """forward_proxy.py: every host is on loopback."""

    def __init__(self, *more):
        self.process = subprocess.Popen([sys.executable, HTTP_SERVER.with_name("forward_proxy.py"), *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def next_request(self):
        return self.process.stdout.readline().split()


class Authority:
    """A private certificate authority and a server's certificate for 127.0.0.1 and git.invalid."""

    def __init__(self, folder):
        self.file, self.certificate, self.key = (Path(folder) / name for name in ("ca.pem", "server.pem", "server.key"))
        extensions = Path(folder) / "server.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:git.invalid\nbasicConstraints=CA:FALSE\n")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        ca_key, request = Path(folder) / "ca.key", Path(folder) / "server.csr"
        self.openssl("req", "-x509", *new_key, "-days", "2", "-subj", "/CN=authority", "-keyout", ca_key, "-out", self.file)
        self.openssl("req", *new_key, "-subj", "/CN=server", "-keyout", self.key, "-out", request)
        signing = ["-CA", self.file, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", extensions]
        self.openssl("x509", "-req", "-in", request, *signing, "-out", self.certificate)

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def options(self):
        return ["--certificate", self.certificate, "--key", self.key]


class Sshd(Server):
    """sshd for the user who runs the tests, with one key that it lets in and one that it does not; besides on port 22 of an `address` of its own."""

    def __init__(self, folder, address=None):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700)
        self.port = free_port()
        for name in ("host", "user", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.folder / name], check=True)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized_keys")
        host_key = " ".join((self.folder / "host.pub").read_text().split()[:2])
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {host_key}\n" + (f"{address} {host_key}\n" if address else ""))
        (self.folder / "config").write_text(
            "\n".join(
                [
                    f"ListenAddress 127.0.0.1:{self.port}",
                    *([f"ListenAddress {address}:22"] if address else []),
                    f"HostKey {self.folder}/host",
                    f"AuthorizedKeysFile {self.folder}/authorized_keys",
                    "UsePAM no",
                    "StrictModes no",
                    "PermitRootLogin yes",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "PidFile none",
                    "LogLevel ERROR",
                    "",
                ]
            )
        )
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # where sshd drops its privileges to
        self.process = subprocess.Popen(
            [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "config"], stderr=subprocess.DEVNULL, env=git_environment()
        )
        wait_until(lambda: accepts(self.port), "sshd listens")

    def url(self, path):
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"
