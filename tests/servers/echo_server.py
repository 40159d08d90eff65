"""An HTTP(S) server that tells what it was asked, for tests of clients. Prints its port. Each connection has a thread.

    echo_server.py [--certificate FILE --key FILE [--client-ca FILE]] [--accept 'AUTHORIZATION' | --accept-file FILE]

Any path is answered 200 with JSON: method, path, headers (names in lower case), body_bytes, body (unpacked), connection (a number), request
(of the connection), requests (of all). With --accept or --accept-file (read at each request) another Authorization header is answered 401. Paths
that do something else, by their first segment:

    /status/CODE[/RETRY-AFTER]  answers with it
    /gzip/BYTES                 so many letters, packed if the client takes that
    /close-before/...           reads the request and closes without an answer, if it is not the first of its connection
    /cut/...                    announces more than it sends
    /silent/...                 reads the request and answers never
    /bomb/MEBIBYTES             so many MiB of zeros, packed
"""
import argparse
import gzip
import http.server
import itertools
import json
import ssl
import sys
import threading

connections = itertools.count(1)
requests = itertools.count(1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.connection_number = next(connections)
        self.requests = 0

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):
            pass

    def read_body(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return len(body), gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refused(self):
        accepted = self.server.accept
        if self.server.accept_file:
            with open(self.server.accept_file, encoding="utf-8") as file:
                accepted = file.read().strip()
        return accepted is not None and self.headers.get("Authorization") != accepted

    def respond(self):
        self.requests += 1
        self.server.requests = next(requests)
        size, body = self.read_body()
        what, _, rest = self.path.split("?")[0].lstrip("/").partition("/")
        if self.refused():
            return self.answer(401, b'{"error": "who are you?"}', [("WWW-Authenticate", "Basic")])
        if what == "status":
            code, _, retry_after = rest.partition("/")
            return self.answer(int(code), b"", [("Retry-After", retry_after)] if retry_after else [])
        if what == "gzip":
            packs = "gzip" in self.headers.get("Accept-Encoding", "")
            text = b"x" * int(rest)
            return self.answer(200, gzip.compress(text) if packs else text, [("Content-Encoding", "gzip")] if packs else [])
        if what == "bomb":
            return self.answer(200, gzip.compress(bytes(int(rest) << 20)), [("Content-Encoding", "gzip")])
        if what == "close-before" and self.requests > 1:
            self.close_connection = True
            return None
        if what == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
            return None
        if what == "silent":
            threading.Event().wait()
        seen = {"method": self.command, "path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()},
                "body_bytes": size, "body": body.decode("utf-8", "replace"), "connection": self.connection_number, "request": self.requests,
                "requests": self.server.requests}
        return self.answer(200, json.dumps(seen).encode(), [("X-elastic-product", "Elasticsearch"), ("Content-Type", "application/json")])

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = respond

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request, client_address):  # in the connection's own thread
        if self.context:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (ssl.SSLError, ConnectionError):
                return
        super().finish_request(request, client_address)


def main():
    parser = argparse.ArgumentParser()
    for name in ("--certificate", "--key", "--client-ca", "--accept", "--accept-file"):
        parser.add_argument(name)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    server.accept, server.accept_file, server.context = options.accept, options.accept_file, None
    if options.certificate:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(options.certificate, options.key)
        if options.client_ca:
            server.context.verify_mode = ssl.CERT_REQUIRED
            server.context.load_verify_locations(options.client_ca)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
