#!/usr/bin/env python3
"""An HTTP proxy on loopback before a real server, which goes wrong as it is told to: the same way each time, by pattern and count.

    fault_proxy.py --upstream URL [--port N] [--control-port N] [--script FILE]     prints both ports: "PORT CONTROL-PORT"

A rule is an object. It takes the requests that match "method" (regular expression, whole) and "path" (regular expression, anywhere in the target
with its query) and have a body of more than "larger" bytes once it is unpacked, but not the first "skip" of them, and no more than "times" (else for
ever). Of several rules the first takes a request. What it does is one of

    {"do": "reset-before"}                   the connection is reset once the request has been read; the server does not get it
    {"do": "reset-after"}                    the server gets it and answers; the connection is reset instead
    {"do": "silence", "after": bool}         no answer until the client goes; with "after" the server gets the request
    {"do": "trickle", "bytes_per_second": N} the answer comes slowly
    {"do": "answer", "status": 503, "body": "", "type": "text/html", "headers": {}, "after": bool}
                                             that, instead of the server (with "after": besides)
    {"do": "items", "at": [0, 3] | "every": N, "status": 429, "type": "", "reason": "", "applied": bool}
                                             these items of a bulk are kept from the server and answered so; with "applied" it gets
                                             them all the same
    {"do": "truncate", "bytes": N, "length": "kept" | "cut"}   the answer ends after N bytes: the connection breaks, or the answer pretends to be whole
    {"do": "rearrange", "order": "reverse", "drop": N, "repeat": N}   the items of a bulk's answer
    {"do": "hold"}                           it waits for POST /release, then goes on as if nothing had been
    {"do": "late"}                           the client's connection is reset; the server gets the request at POST /release: a late write

The control port speaks JSON:

    PUT /rules [..]      replaces the rules          POST /rules [..]   adds some          GET /rules   with "hits" each
    PUT /refuse true     closes the listening port (connections are reset); false opens it again
    GET /held?count=N    answers when N requests are held, at the latest after 20 s:
                         {"held": n, "requests": [{"target": "", "body": ""}]} (long bodies: null)
    POST /release        lets all held requests go; answers when the late ones have been answered: {"released": n, "statuses": [..]}
    GET /counts          {"GET /path": {"requests": n, "request_bytes": n, "largest_unpacked": n, "response_bytes": n}}, of what came in
    DELETE /counts
"""
import argparse
import asyncio
import json
import re
import socket
import ssl
import struct
import sys
import urllib.parse

import bulk_items
from http_messages import Closed, Message, answer, read_answer, read_request

FAILURES = (Closed, OSError, asyncio.IncompleteReadError)
LONG_BODY = 64 * 1024


class Reset(Exception):
    """The client's connection shall end without an answer."""


class Ended(Exception):
    """The answer has been sent, as far as it shall be: the connection is closed in order."""


class Rule:
    def __init__(self, fault):
        self.fault = fault
        self.method = re.compile(fault.get("method", ".*"))
        self.path = re.compile(fault.get("path", ""))
        self.seen = self.hits = 0
        getattr(Proxy, handler_name(fault))  # a name that is none is an error now

    def takes(self, request):
        if not self.method.fullmatch(request.method) or not self.path.search(request.target):
            return False
        if bulk_items.unpacked_size(request) <= self.fault.get("larger", -1):
            return False
        self.seen += 1
        if self.seen <= self.fault.get("skip", 0) or self.hits >= self.fault.get("times", sys.maxsize):
            return False
        self.hits += 1
        return True


def handler_name(fault):
    return "do_" + fault["do"].replace("-", "_")


class Client:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.server = None

    async def ask_server(self, request):
        if self.server is None:
            self.server = await self.proxy.connect()
        reader, writer = self.server
        writer.write(request.bytes())
        await writer.drain()
        return await read_answer(reader, request.method)

    def reset(self):
        connection = self.writer.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def end(self):
        if self.server:
            self.server[1].close()
        self.writer.close()


class Proxy:
    def __init__(self, upstream):
        self.upstream = urllib.parse.urlsplit(upstream)
        self.rules, self.counts, self.clients = [], {}, set()
        self.listener, self.port = None, 0
        self.held, self.late, self.changed, self.gate = [], [], asyncio.Condition(), asyncio.Event()

    async def connect(self):
        context = None
        if self.upstream.scheme == "https":  # a test's own server on loopback
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return await asyncio.open_connection(self.upstream.hostname, self.upstream.port, ssl=context, limit=1 << 20)

    async def listen(self, port):
        self.listener = await asyncio.start_server(self.serve, "127.0.0.1", port, limit=1 << 20)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def refuse(self, on):
        if on and self.listener:
            self.listener.close()
            self.listener = None
            for client in list(self.clients):
                client.reset()
        elif not on and not self.listener:
            await self.listen(self.port)

    async def serve(self, reader, writer):
        client = Client(self, reader, writer)
        self.clients.add(client)
        try:
            while True:
                await self.serve_one(client, await read_request(reader, writer))
        except Ended:
            pass
        except Reset:
            client.reset()
        except FAILURES:
            client.reset()  # the server's end is the client's
        finally:
            self.clients.discard(client)
            client.end()

    async def serve_one(self, client, request):
        key = f"{request.method} {request.target.split('?')[0]}"
        count = self.counts.setdefault(key, {"requests": 0, "request_bytes": 0, "largest_unpacked": 0, "response_bytes": 0})
        count["requests"] += 1
        count["request_bytes"] += len(request.body)
        count["largest_unpacked"] = max(count["largest_unpacked"], bulk_items.unpacked_size(request))
        rule = next((rule for rule in self.rules if rule.takes(request)), None)
        handler = getattr(self, handler_name(rule.fault)) if rule else self.pass_on
        reply = await handler(client, request, rule.fault if rule else {})
        count["response_bytes"] += len(reply.body)
        await self.send(client, request, reply)

    @staticmethod
    async def send(client, request, reply):
        data = reply.bytes()
        if request.method == "HEAD":
            data = data[:len(data) - len(reply.body)]
        client.writer.write(data)
        await client.writer.drain()

    # --- what rules do: each gives the answer, or ends the connection
    @staticmethod
    async def pass_on(client, request, _):
        return await client.ask_server(request)

    async def do_reset_before(self, client, request, fault):
        raise Reset

    async def do_reset_after(self, client, request, fault):
        await client.ask_server(request)
        raise Reset

    async def do_silence(self, client, request, fault):
        if fault.get("after"):
            await client.ask_server(request)
        await client.reader.read()  # until the client goes
        raise Reset

    async def do_trickle(self, client, request, fault):
        data = (await client.ask_server(request)).bytes()
        pieces_per_second = 20
        step = max(1, fault["bytes_per_second"] // pieces_per_second)
        for at in range(0, len(data), step):
            client.writer.write(data[at:at + step])
            await client.writer.drain()
            await asyncio.sleep(1 / pieces_per_second)
        raise Ended

    async def do_answer(self, client, request, fault):
        if fault.get("after"):
            await client.ask_server(request)
        return answer(fault["status"], fault.get("body", "").encode(), fault.get("type", "text/html"), fault.get("headers", {}).items())

    async def do_items(self, client, request, fault):
        bulk_items.unpacked(request)
        sent = bulk_items.operations(request.body)
        positions = bulk_items.chosen(fault, len(sent))
        passed = Message(request.start, request.without("accept-encoding"), request.body)
        if not fault.get("applied"):
            passed.body = b"".join(data for at, (_, data) in enumerate(sent) if at not in positions)
        reply = await client.ask_server(passed) if passed.body else answer(200)
        if reply.status == 200:
            reply.body = bulk_items.merged(fault, sent, positions, reply.body)
        return reply

    async def do_truncate(self, client, request, fault):
        reply = await client.ask_server(Message(request.start, request.without("accept-encoding"), request.body))
        if fault.get("length") == "cut":
            reply.body = reply.body[:fault["bytes"]]
            return reply
        data = reply.bytes()
        client.writer.write(data[:len(data) - len(reply.body) + min(fault["bytes"], len(reply.body))])
        await client.writer.drain()
        raise Ended

    async def do_rearrange(self, client, request, fault):
        reply = await client.ask_server(Message(request.start, request.without("accept-encoding"), request.body))
        if reply.status == 200:
            reply.body = bulk_items.rearranged(fault, reply.body)
        return reply

    async def do_hold(self, client, request, fault):
        await self.hold(request)
        return await client.ask_server(request)

    async def do_late(self, client, request, fault):
        self.late.append(asyncio.create_task(self.deliver_late(request)))
        raise Reset

    async def deliver_late(self, request):
        await self.hold(request)
        reader, writer = await self.connect()
        writer.write(request.bytes())
        reply = await read_answer(reader, request.method)
        writer.close()
        return reply.status

    async def hold(self, request):
        gate = self.gate
        async with self.changed:
            self.held.append({"target": request.target, "body": request.body.decode(errors="replace") if len(request.body) <= LONG_BODY else None})
            self.changed.notify_all()
        await gate.wait()

    # --- the control port
    async def control(self, reader, writer):
        try:
            while True:
                request = await read_request(reader, writer)
                try:
                    value = await self.command(request)
                    reply = answer(404 if value is None else 200, json.dumps(value).encode())
                except (ValueError, KeyError, TypeError, AttributeError, re.error) as error:
                    reply = answer(400, json.dumps({"error": repr(error)}).encode())
                writer.write(reply.bytes())
                await writer.drain()
        except FAILURES:
            pass
        finally:
            writer.close()

    async def command(self, request):
        url = urllib.parse.urlsplit(request.target)
        body = json.loads(request.body) if request.body else None
        what = f"{request.method} {url.path}"
        if what == "PUT /rules":
            self.rules = [Rule(fault) for fault in body]
        elif what == "POST /rules":
            self.rules += [Rule(fault) for fault in body]
        elif what == "PUT /refuse":
            await self.refuse(body)
        elif what == "GET /held":
            return await self.await_held(int(urllib.parse.parse_qs(url.query).get("count", ["0"])[0]))
        elif what == "POST /release":
            return await self.release()
        elif what == "GET /counts":
            return self.counts
        elif what == "DELETE /counts":
            self.counts.clear()
        elif what != "GET /rules":
            return None
        return [{**rule.fault, "hits": rule.hits} for rule in self.rules]

    async def await_held(self, count):
        async with self.changed:
            try:
                await asyncio.wait_for(self.changed.wait_for(lambda: len(self.held) >= count), 20)
            except asyncio.TimeoutError:
                pass
            return {"held": len(self.held), "requests": self.held}

    async def release(self):
        released, self.held = len(self.held), []
        late, self.late = self.late, []
        gate, self.gate = self.gate, asyncio.Event()
        gate.set()
        results = await asyncio.gather(*late, return_exceptions=True)
        return {"released": released, "statuses": [result if isinstance(result, int) else repr(result) for result in results]}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--script", help="a file with rules to begin with")
    options = parser.parse_args()
    proxy = Proxy(options.upstream)
    if options.script:
        with open(options.script, encoding="utf-8") as file:
            proxy.rules = [Rule(fault) for fault in json.load(file)]
    await proxy.listen(options.port)
    control = await asyncio.start_server(proxy.control, "127.0.0.1", options.control_port)
    print(proxy.port, control.sockets[0].getsockname()[1], flush=True)
    await control.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
