#!/usr/bin/env python3
"""Smart HTTP(S) for the bare repositories below a folder: git http-backend behind http.server, with basic auth and faults on request.

With --log FILE each request becomes a line of JSON there before it is answered: connection (a number), method, host, path, query, protocol (Git-Protocol's), login (user:password),
cookie, via, body_bytes, received (the request's bytes), alpn (what TLS agreed upon).
Prints the port as its first line (and "hanging" when a request begins to hang), then serves until it is terminated or the standard input that it was given (--exit-with-stdin) ends.
"""
import argparse
import base64
import hmac
import itertools
import json
import os
import signal
import ssl
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
    parser.add_argument("--passwords", help="instead of it a file that is read at each request: each of its lines is a good one")
    parser.add_argument("--delay", type=float, default=0, help="seconds before each answer")
    stages = ["refs", "pack"]
    parser.add_argument("--hang", choices=stages, help="never end the answer to: the listing of refs; the transfer, after half of its bytes")
    parser.add_argument("--garbage", choices=stages, help="answer 200 with bytes that are not git's; for pack: flip bytes in the middle")
    parser.add_argument("--cut", choices=stages, help="end the connection after half of the answer's bytes")
    parser.add_argument("--trickle", choices=stages, help="send the answer's bytes one by one, ten in a second")
    parser.add_argument("--status", type=int, help="answer each request with this status")
    parser.add_argument("--body", default="as asked for\n", help="what --status says")
    parser.add_argument("--type", default="text/plain", help="of which type")
    parser.add_argument("--challenge", default='Basic realm="git"', help="how a 401 asks for a login; several lines of it are several headers")
    parser.add_argument("--redirect", help="answer each request below /moved/ with this URL and the rest of its path")
    parser.add_argument("--redirect-status", type=int, default=301)
    parser.add_argument("--cookie", help="answer 403 unless the request has this cookie (NAME=VALUE)")
    parser.add_argument("--old", action="store_true", help="speak protocol v0 whatever is asked for")
    parser.add_argument("--certificate", help="speak TLS, with this file of PEM")
    parser.add_argument("--key")
    parser.add_argument("--client-ca", help="and only with those who have a certificate of this authority")
    parser.add_argument("--log", help="append each request to this file")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input ends")
    return parser.parse_args()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    options = None
    released = threading.Event()
    connections = itertools.count(1)

    def setup(self):
        super().setup()
        self.connection_number = next(self.connections)

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def log_message(self, *_):
        pass

    def answer(self):
        options = self.options
        body = self.read_body()
        if options.log:
            self.tell(body)
        if options.delay:
            time.sleep(options.delay)
        if options.status:
            return self.plain(options.status, options.body.encode(), {"Content-Type": options.type})
        if options.redirect and self.path.startswith("/moved/"):
            return self.plain(options.redirect_status, b"", {"Location": options.redirect + self.path.removeprefix("/moved")})
        if options.cookie and options.cookie not in self.headers.get("Cookie", "").split("; "):
            return self.plain(403, b"no cookie\n")
        if options.user is not None and not self.authorized():
            return self.plain(401, b"authentication required\n", [("WWW-Authenticate", line) for line in options.challenge.split("\n")])
        url = urlsplit(self.path)
        what = "refs" if url.path.endswith("/info/refs") or b"command=ls-refs" in body else "pack"
        if options.hang == "refs" and what == "refs":
            return self.hang()
        if options.garbage == "refs" and what == "refs":
            kind = "advertisement" if self.command == "GET" else "result"
            return self.plain(200, b"<html>not a git server</html>", {"Content-Type": f"application/x-git-upload-pack-{kind}"})
        self.backend(url, body, what)

    def tell(self, body):
        url = urlsplit(self.path)
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        line = {
            "connection": self.connection_number,
            "method": self.command,
            "host": self.headers.get("Host", ""),
            "path": url.path,
            "query": url.query,
            "protocol": self.headers.get("Git-Protocol", ""),
            "login": base64.b64decode(given).decode() if scheme == "Basic" else "",
            "cookie": self.headers.get("Cookie", ""),
            "via": self.headers.get("Via", ""),
            "body_bytes": len(body),
            "received": len(self.raw_requestline) + sum(len(name) + len(value) + 4 for name, value in self.headers.items()) + 2 + len(body),
            "alpn": self.connection.selected_alpn_protocol() if self.options.certificate else None,
        }
        with open(self.options.log, "a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

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
        passwords = [self.options.password]
        if self.options.passwords:
            with open(self.options.passwords, encoding="utf-8") as lines:
                passwords = lines.read().split()
        expected = [base64.b64encode(f"{self.options.user}:{password}".encode()).decode() for password in passwords]
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "basic" and any(hmac.compare_digest(given.strip(), one) for one in expected)

    def plain(self, status, body, headers=()):
        """`headers` as pairs, or as a dictionary."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        self.send_response(status)
        for name, value in pairs if any(name == "Content-Type" for name, _ in pairs) else [("Content-Type", "text/plain"), *pairs]:
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
            if header in self.headers and not (self.options.old and name == "GIT_PROTOCOL"):
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
        faults = [name for name in ("hang", "garbage", "cut", "trickle") if getattr(self.options, name) == what]
        whole = process.stdout.read() if faults else None
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if "trickle" in faults:
            for byte in whole:
                self.chunk(bytes([byte]))
                time.sleep(0.1)
        elif faults:
            middle = len(whole) // 2
            self.chunk(whole[:middle])
            if "hang" in faults:
                return self.hang()
            if "cut" in faults:
                self.close_connection = True
                return
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
    context = None

    def finish_request(self, request, client_address):  # in the connection's own thread
        if self.context:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (ssl.SSLError, ConnectionError):
                return
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


def tls_context(options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    context.set_alpn_protocols(["http/1.1"])
    if options.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options.client_ca)
    return context


def main():
    Handler.options = arguments()
    Handler.options.root = os.path.abspath(Handler.options.root)
    server = Server(("127.0.0.1", Handler.options.port), Handler)
    if Handler.options.certificate:
        server.context = tls_context(Handler.options)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if Handler.options.exit_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
