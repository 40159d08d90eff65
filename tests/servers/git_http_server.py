#!/usr/bin/env python3
"""Smart HTTP for the bare repositories below a folder: git http-backend behind http.server, with basic auth and faults on request.

Prints the port as its first line (and "hanging" when a request begins to hang), then serves until it is terminated or the standard input that it was given (--exit-with-stdin) ends.
"""
import argparse
import base64
import hmac
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

MAX_HEADER_LINE = 65536


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, help="folder that holds the repositories; /NAME.git/ is ROOT/NAME.git")
    parser.add_argument("--port", type=int, default=0, help="0 = a free one")
    parser.add_argument("--user", help="ask for basic auth with this user")
    parser.add_argument("--password", default="")
    parser.add_argument("--delay", type=float, default=0, help="seconds before each answer")
    parser.add_argument("--hang", choices=["refs", "pack"], help="never end the answer to: the listing of refs; the transfer, after half of its bytes")
    parser.add_argument("--garbage", choices=["refs", "pack"], help="answer 200 with bytes that are not git's; for pack: flip bytes in the middle")
    parser.add_argument("--status", type=int, help="answer each request with this status")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input ends")
    return parser.parse_args()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    options = None
    released = threading.Event()

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def log_message(self, *_):
        pass

    def answer(self):
        options = self.options
        body = self.read_body()
        if options.delay:
            time.sleep(options.delay)
        if options.status:
            return self.plain(options.status, b"as asked for\n")
        if options.user is not None and not self.authorized():
            return self.plain(401, b"authentication required\n", {"WWW-Authenticate": 'Basic realm="git"'})
        url = urlsplit(self.path)
        what = "refs" if url.path.endswith("/info/refs") else "pack"
        if options.hang == "refs" and what == "refs":
            return self.hang()
        if options.garbage == "refs" and what == "refs":
            return self.plain(200, b"<html>not a git server</html>", {"Content-Type": "application/x-git-upload-pack-advertisement"})
        self.backend(url, body, what)

    def hang(self):
        print("hanging", flush=True)
        self.released.wait()

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while True:
                size = int(self.rfile.readline(MAX_HEADER_LINE).split(b";")[0], 16)
                if size == 0:
                    while self.rfile.readline(MAX_HEADER_LINE).strip():
                        pass
                    return b"".join(parts)
                parts.append(self.rfile.read(size))
                self.rfile.readline(MAX_HEADER_LINE)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def authorized(self):
        expected = base64.b64encode(f"{self.options.user}:{self.options.password}".encode()).decode()
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "basic" and hmac.compare_digest(given.strip(), expected)

    def plain(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def backend(self, url, body, what):
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "GIT_PROJECT_ROOT": self.options.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": "/nonexistent",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_USER": self.options.user or "anonymous",
        }
        for header, name in (("Git-Protocol", "GIT_PROTOCOL"), ("Content-Encoding", "HTTP_CONTENT_ENCODING")):
            if header in self.headers:
                environment[name] = self.headers[header]
        process = subprocess.Popen(["git", "http-backend"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self.feed, args=(process, body), daemon=True).start()
        try:
            self.forward(process, what)
        finally:
            process.stdout.close()
            process.wait()

    @staticmethod
    def feed(process, body):
        try:
            process.stdin.write(body)
            process.stdin.close()
        except BrokenPipeError:
            pass

    def forward(self, process, what):
        status, headers = 200, []
        while line := process.stdout.readline(MAX_HEADER_LINE).strip():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name, value.strip()))
        fault = what == "pack" and (self.options.hang == "pack" or self.options.garbage == "pack")
        whole = process.stdout.read() if fault else None
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if fault:
            middle = len(whole) // 2
            self.chunk(whole[:middle])
            if self.options.hang == "pack":
                return self.hang()
            self.chunk(bytes(byte ^ 0x5A for byte in whole[middle:]))
        else:
            while data := process.stdout.read1(65536):
                self.chunk(data)
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data):
        if data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError)):
            super().handle_error(request, client_address)


def main():
    Handler.options = arguments()
    Handler.options.root = os.path.abspath(Handler.options.root)
    server = Server(("127.0.0.1", Handler.options.port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if Handler.options.exit_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
