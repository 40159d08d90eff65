#!/usr/bin/env python3
"""A forward proxy for http and, by CONNECT, for https: whatever host is asked for is looked for on the loopback address, at the port that was asked for.

Prints its port, then a line for each request: method, target, and the user and password that it came with ("-" for none). With --user and --password others are answered 407.
"""
import argparse
import base64
import select
import socket
import socketserver
import sys
from urllib.parse import urlsplit

MAX_LINE = 65536


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while (line := self.rfile.readline(MAX_LINE)).strip():
            method, target, version = line.decode("latin-1").split()
            headers = []
            while (header := self.rfile.readline(MAX_LINE)).strip():
                headers.append(header.decode("latin-1"))
            if not self.answer(method, target, version, headers):
                return

    def answer(self, method, target, version, headers):
        login = next((base64.b64decode(line.split()[2]).decode() for line in headers if line.lower().startswith("proxy-authorization: basic ")), "-")
        print(method, target, login, flush=True)
        if self.server.login and login != self.server.login:
            self.wfile.write(b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n\r\n')
            return method == "GET"  # without a body the next request follows
        url = urlsplit("//" + target if method == "CONNECT" else target)
        with socket.create_connection(("127.0.0.1", url.port or 80)) as peer:
            if method == "CONNECT":
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self.tunnel(peer)
            else:
                self.pass_on(peer, f"{method} {url.path}{'?' if url.query else ''}{url.query} {version}", headers)
        return False

    def pass_on(self, peer, start, headers):
        kept = [line for line in headers if not line.lower().startswith(("proxy-", "connection:"))]
        length = next((int(line.split(":")[1]) for line in headers if line.lower().startswith("content-length:")), 0)
        peer.sendall("".join(line.strip() + "\r\n" for line in [start, *kept, "Connection: close", ""]).encode("latin-1") + self.rfile.read(length))
        while data := peer.recv(65536):
            self.wfile.write(data)

    def tunnel(self, peer):
        """Everything from here on, in both directions. The client has sent nothing yet: it waited for our answer."""
        while True:
            for source in select.select([self.connection, peer], [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                (peer if source is self.connection else self.connection).sendall(data)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.login = f"{options.user}:{options.password}" if options.user else None
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
