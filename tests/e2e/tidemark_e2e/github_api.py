"""GitHub's API as far as an App needs it for its installation's tokens, on loopback: it verifies the JWT by the App's public key with openssl, and hands
out tokens that a git server then asks for. https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app"""

import base64
import json
import secrets
import subprocess
import tempfile
import threading
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


class AppKey:
    def __init__(self, folder, name="app"):
        self.file = Path(folder) / f"{name}.pem"
        openssl("genrsa", "-traditional", "-out", self.file, "2048")

    def public(self):
        return openssl("pkey", "-in", self.file, "-pubout")

    def secrets(self):
        return self.file.read_text().splitlines()[1:-1]


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class GithubApi:
    """`issuer` has the installation 34. What it answers may be set: `life` of a token in seconds, `status`, `body`, `skew` of its clock."""

    def __init__(self, folder, key, issuer):
        self.folder, self.public_key, self.issuer = Path(folder), key.public(), issuer
        self.tokens_file = self.folder / "tokens"
        self.tokens_file.write_text("")
        self.life, self.skew, self.status, self.body, self.hang = 3600, 0, None, None, False
        self.asked = 0
        self.jwts, self.tokens, self.problems, self.lock = [], [], [], threading.Lock()
        self.released = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                api.asked += 1
                if api.hang:
                    api.released.wait()
                status, content = api.answer(self)
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response_only(status)
                self.send_header("Date", format_datetime(api.now(), usegmt=True))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    pass

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # who was waiting has hung up

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v3/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def now(self):
        return datetime.now(timezone.utc) + timedelta(seconds=self.skew)

    def answer(self, handler):
        scheme, _, jwt = handler.headers.get("Authorization", "").partition(" ")
        with self.lock:
            self.jwts.append(jwt)
            problem = self.problem(scheme, jwt, handler)
            if problem:
                self.problems.append(problem[1])
                return problem[0], {"message": problem[1], "documentation_url": "https://docs.github.com/rest"}
            if self.status:
                return self.status, self.body if self.body is not None else {"message": "as asked for"}
            token = "ghs_" + secrets.token_hex(18)
            self.tokens.append(token)
            self.accept(*self.tokens)
            expires = (self.now() + timedelta(seconds=self.life)).strftime("%Y-%m-%dT%H:%M:%SZ")
            return 201, {"token": token, "expires_at": expires, "permissions": {"contents": "read"}, "repository_selection": "selected"}

    def problem(self, scheme, jwt, handler):
        parts = jwt.split(".")
        if scheme != "Bearer" or len(parts) != 3 or json.loads(decoded(parts[0])) != {"alg": "RS256", "typ": "JWT"}:
            return 401, "A JSON web token could not be decoded"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "key").write_bytes(self.public_key)
            (Path(folder) / "signature").write_bytes(decoded(parts[2]))
            try:
                openssl("dgst", "-sha256", "-verify", f"{folder}/key", "-signature", f"{folder}/signature", data=f"{parts[0]}.{parts[1]}".encode())
            except subprocess.CalledProcessError:
                return 401, "A JSON web token could not be decoded"
        claims, now = json.loads(decoded(parts[1])), self.now().timestamp()
        if claims["iss"] != self.issuer:
            return 401, "Integration must be valid"
        if claims["iat"] > now + 1:
            return 401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        if claims["exp"] < now or claims["exp"] > now + 600 or claims["exp"] - claims["iat"] > 600:
            return 401, "'Expiration time' claim ('exp') is too far in the future"
        if handler.path != "/api/v3/app/installations/34/access_tokens":
            return 404, "Not Found"
        if not handler.headers.get("User-Agent") or handler.headers.get("Accept") != "application/vnd.github+json":
            return 403, "Request forbidden by administrative rules"
        return None

    def accept(self, *tokens):
        """The git server lets these in, and no others."""
        new = self.tokens_file.with_name("tokens.new")
        new.write_text("\n".join(tokens))
        new.rename(self.tokens_file)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
