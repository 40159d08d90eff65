#!/usr/bin/env python3
"""The fault proxy does what its rules say, no more and no less: a fault that does not happen would prove nothing."""
import gzip
import http.client
import http.server
import json
import threading
import time
import unittest

from fault_proxy_client import FaultProxy


class Upstream(http.server.BaseHTTPRequestHandler):
    """Takes bulks as Elasticsearch does, and remembers every request that reached it."""

    protocol_version = "HTTP/1.1"
    seen = []

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Upstream.seen.append((self.command, self.path, body))
        text = b"{}"
        if "_bulk" in self.path:
            lines = [line for line in body.split(b"\n") if line]
            actions = [json.loads(line) for line in lines if b"_id" in line]
            items = [{action: {"status": 201, "_id": each[action]["_id"]}} for each in actions for action in each]
            text = json.dumps({"errors": False, "items": items}).encode()
        if self.path.startswith("/large"):
            text = b"x" * 1000
        self.send_response(200)
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def log_message(self, *_):
        pass


def bulk(*ids):
    return b"".join(json.dumps({"index": {"_id": each}}).encode() + b'\n{"a":1}\n' for each in ids)


class FaultProxyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        cls.server.daemon_threads = True
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def setUp(self):
        Upstream.seen = []
        self.proxy = FaultProxy(f"http://127.0.0.1:{self.server.server_address[1]}")
        self.addCleanup(self.proxy.end)

    def ask(self, method="GET", path="/", body=None, headers=None, timeout=10):
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask_bulk(self, *ids):
        status, body = self.ask("POST", "/docs/_bulk", bulk(*ids))
        self.assertEqual(status, 200)
        return [(item["index"].get("_id"), item["index"]["status"]) for item in json.loads(body)["items"]]

    def ids_seen(self):
        return [json.loads(line)["index"]["_id"] for _, _, body in Upstream.seen for line in body.split(b"\n") if b"_id" in line]

    def test_without_rules_it_passes_on(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port)
        for path, expected in (("/", b"{}"), ("/chunked", b"abcdefg"), ("/large", b"x" * 1000)):
            connection.request("GET", path)
            self.assertEqual(connection.getresponse().read(), expected)
        connection.request("HEAD", "/large")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.read()), (200, b""))
        connection.close()
        self.assertEqual(self.ask("PUT", "/x?y=z", b"body"), (200, b"{}"))
        self.assertEqual(Upstream.seen[-1], ("PUT", "/x?y=z", b"body"))

    def test_a_rule_takes_by_method_path_skip_and_times(self):
        self.proxy.rules({"do": "answer", "status": 503, "method": "POST", "path": "^/a.*q=1", "skip": 1, "times": 2})
        statuses = [self.ask("POST", "/ab?q=1")[0] for _ in range(5)]
        self.assertEqual(statuses, [200, 503, 503, 200, 200])
        self.assertEqual(self.ask("POST", "/ab?q=2")[0], 200)
        self.assertEqual(self.proxy.hits(), [2])
        self.assertEqual(len(Upstream.seen), 4)

    def test_the_first_of_several_rules_takes_a_request(self):
        self.proxy.rules({"do": "answer", "status": 429, "times": 1}, {"do": "answer", "status": 503, "times": 1})
        self.assertEqual([self.ask()[0] for _ in range(3)], [429, 503, 200])

    def test_a_rule_that_is_none_is_refused(self):
        for rule in ({"do": "dance"}, {"path": "x"}, {"do": "answer", "path": "("}):
            with self.assertRaises(ValueError):
                self.proxy.rules(rule)

    def test_reset_before_and_after(self):
        self.proxy.rules({"do": "reset-before", "times": 1}, {"do": "reset-after", "times": 1})
        with self.assertRaises(ConnectionError):
            self.ask("POST", "/x", b"1")
        self.assertEqual(Upstream.seen, [])
        with self.assertRaises(ConnectionError):
            self.ask("POST", "/x", b"2")
        self.assertEqual(Upstream.seen, [("POST", "/x", b"2")])
        self.assertEqual(self.ask()[0], 200)

    def test_silence(self):
        self.proxy.rules({"do": "silence", "times": 1}, {"do": "silence", "after": True, "times": 1})
        with self.assertRaises(TimeoutError):
            self.ask(timeout=0.3)
        self.assertEqual(Upstream.seen, [])
        with self.assertRaises(TimeoutError):
            self.ask(timeout=0.5)
        self.assertEqual(len(Upstream.seen), 1)

    def test_trickle(self):
        self.proxy.rules({"do": "trickle", "bytes_per_second": 2000})
        begin = time.monotonic()
        self.assertEqual(self.ask("GET", "/large"), (200, b"x" * 1000))
        self.assertGreater(time.monotonic() - begin, 0.4)

    def test_answers_instead_of_the_server_and_besides(self):
        self.proxy.rules({"do": "answer", "status": 502, "body": "<html>Bad Gateway</html>", "times": 1},
                         {"do": "answer", "status": 429, "headers": {"Retry-After": "7"}, "after": True, "times": 1},
                         {"do": "answer", "status": 401, "type": "application/json", "body": "{}", "times": 1})
        self.assertEqual(self.ask(), (502, b"<html>Bad Gateway</html>"))
        self.assertEqual(len(Upstream.seen), 0)
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port)
        connection.request("POST", "/x", b"1")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["Retry-After"], answer.read()), (429, "7", b""))
        connection.close()
        self.assertEqual(Upstream.seen, [("POST", "/x", b"1")])
        self.assertEqual(self.ask(), (401, b"{}"))

    def test_items_are_kept_from_the_server(self):
        self.proxy.rules({"do": "items", "at": [1, 2], "status": 429, "times": 1}, {"do": "items", "every": 2, "status": 503, "times": 1})
        self.assertEqual(self.ask_bulk("a", "b", "c", "d"), [("a", 201), (None, 429), (None, 429), ("d", 201)])
        self.assertEqual(self.ids_seen(), ["a", "d"])
        self.assertEqual(self.ask_bulk("e", "f", "g"), [(None, 503), ("f", 201), (None, 503)])
        self.assertEqual(self.ids_seen(), ["a", "d", "f"])

    def test_items_are_applied_though_an_error_is_answered(self):
        self.proxy.rules({"do": "items", "at": [0], "status": 503, "applied": True})
        self.assertEqual(self.ask_bulk("a", "b"), [(None, 503), ("b", 201)])
        self.assertEqual(self.ids_seen(), ["a", "b"])

    def test_all_items_are_kept_from_the_server(self):
        self.proxy.rules({"do": "items", "every": 1, "status": 429})
        self.assertEqual(self.ask_bulk("a", "b"), [(None, 429), (None, 429)])
        self.assertEqual(Upstream.seen, [])

    def test_items_of_a_packed_request(self):
        self.proxy.rules({"do": "items", "at": [0], "status": 429})
        _, body = self.ask("POST", "/_bulk", gzip.compress(bulk("a", "b")), {"Content-Encoding": "gzip"})
        self.assertEqual([item["index"]["status"] for item in json.loads(body)["items"]], [429, 201])
        self.assertEqual(self.ids_seen(), ["b"])

    def test_truncated_answers(self):
        self.proxy.rules({"do": "truncate", "bytes": 10, "times": 1}, {"do": "truncate", "bytes": 10, "length": "cut", "times": 1})
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.ask("GET", "/large")
        self.assertEqual(caught.exception.partial, b"x" * 10)
        self.assertEqual(self.ask("GET", "/large"), (200, b"x" * 10))

    def test_rearranged_answers(self):
        self.proxy.rules({"do": "rearrange", "order": "reverse", "times": 1}, {"do": "rearrange", "drop": 1, "times": 1},
                         {"do": "rearrange", "repeat": 1, "times": 1})
        self.assertEqual([each for each, _ in self.ask_bulk("a", "b", "c")], ["c", "b", "a"])
        self.assertEqual([each for each, _ in self.ask_bulk("a", "b", "c")], ["a", "b"])
        self.assertEqual([each for each, _ in self.ask_bulk("a", "b", "c")], ["a", "b", "c", "c"])
        self.assertEqual(len(self.ids_seen()), 9)

    def test_a_held_request_waits_until_it_is_let_go(self):
        self.proxy.rules({"do": "hold", "path": "/held"})
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.ask("POST", "/held", b"1"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        self.assertEqual(self.proxy.await_held(2), [{"target": "/held", "body": "1"}] * 2)
        self.assertEqual(Upstream.seen, [])
        self.assertEqual(self.ask()[0], 200)
        self.proxy.release()
        for thread in threads:
            thread.join(10)
        self.assertEqual(answers, [(200, b"{}")] * 2)

    def test_a_rule_may_be_for_large_bodies_as_they_are_unpacked(self):
        self.proxy.rules({"do": "answer", "status": 413, "larger": 1000})
        packed = gzip.compress(b"x" * 1001)
        self.assertLess(len(packed), 100)
        self.assertEqual(self.ask("POST", "/x", packed, headers={"Content-Encoding": "gzip"})[0], 413)
        self.assertEqual(self.ask("POST", "/x", b"x" * 1001)[0], 413)
        self.assertEqual(self.ask("POST", "/x", b"x" * 1000)[0], 200)
        self.assertEqual(self.proxy.counts()["POST /x"]["largest_unpacked"], 1001)

    def test_a_late_write_reaches_the_server_when_it_is_let_go(self):
        self.proxy.rules({"do": "late", "times": 1})
        with self.assertRaises(ConnectionError):
            self.ask("POST", "/_bulk", bulk("late"))
        self.proxy.await_held(1)
        self.ask_bulk("next")
        self.assertEqual(self.ids_seen(), ["next"])
        self.assertEqual(self.proxy.release(), {"released": 1, "statuses": [200]})
        self.assertEqual(self.ids_seen(), ["next", "late"])

    def test_it_refuses_connections_and_takes_them_again(self):
        self.assertEqual(self.ask()[0], 200)
        self.proxy.refuse()
        with self.assertRaises(ConnectionRefusedError):
            self.ask()
        self.proxy.refuse(False)
        self.assertEqual(self.ask()[0], 200)

    def test_it_counts_what_came_in(self):
        self.proxy.rules({"do": "answer", "status": 503, "times": 1, "path": "_bulk"})
        self.ask("POST", "/_bulk?x=y", b"12345")
        self.ask_bulk("a")
        self.ask()
        counts = self.proxy.counts()
        self.assertEqual(counts["POST /_bulk"], {"requests": 1, "request_bytes": 5, "largest_unpacked": 5, "response_bytes": 0})
        self.assertEqual(counts["POST /docs/_bulk"]["requests"], 1)
        self.assertEqual(counts["GET /"], {"requests": 1, "request_bytes": 0, "largest_unpacked": 0, "response_bytes": 2})
        self.proxy.forget_counts()
        self.assertEqual(self.proxy.counts(), {})

    def test_a_server_that_is_down_is_a_reset(self):
        proxy = FaultProxy("http://127.0.0.1:1")
        self.addCleanup(proxy.end)
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        with self.assertRaises((ConnectionError, http.client.BadStatusLine)):
            connection.request("GET", "/")
            connection.getresponse()
        connection.close()


if __name__ == "__main__":
    unittest.main()
