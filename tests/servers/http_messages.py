"""HTTP/1.1 messages on asyncio's streams, as far as a proxy on loopback needs them."""
import asyncio
import dataclasses

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect"}
REASONS = {200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 413: "Content Too Large", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


class Closed(Exception):
    """The peer has ended the connection between two messages."""


@dataclasses.dataclass
class Message:
    start: str  # its first line
    headers: list  # pairs, names as they came
    body: bytes = b""

    def get(self, name, default=""):
        return next((value for key, value in self.headers if key.lower() == name), default)

    def without(self, *names):
        return [(key, value) for key, value in self.headers if key.lower() not in names]

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    def bytes(self):
        headers = self.without(*HOP_BY_HOP) + [("Content-Length", str(len(self.body)))]
        return "".join([self.start, "\r\n", *(f"{key}: {value}\r\n" for key, value in headers), "\r\n"]).encode("latin-1") + self.body


async def _chunked(reader):
    parts = []
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        if size == 0:
            while (await reader.readline()).strip():
                pass
            return b"".join(parts)
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)


async def _head(reader):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise Closed from error
    start, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    return Message(start, [tuple(part.strip() for part in line.split(":", 1)) for line in lines])


async def read_request(reader, writer):
    request = await _head(reader)
    if request.get("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if request.get("transfer-encoding").lower() == "chunked":
        request.body = await _chunked(reader)
    else:
        request.body = await reader.readexactly(int(request.get("content-length", "0")))
    return request


async def read_answer(reader, method):
    answer = await _head(reader)
    while answer.status == 100:
        answer = await _head(reader)
    if method == "HEAD" or answer.status in (204, 304):
        return answer
    if answer.get("transfer-encoding").lower() == "chunked":
        answer.body = await _chunked(reader)
    elif answer.get("content-length"):
        answer.body = await reader.readexactly(int(answer.get("content-length")))
    else:
        answer.body = await reader.read()
    return answer


def answer(status, body=b"", content_type="application/json", headers=()):
    return Message(f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", [("Content-Type", content_type), *headers], body)
