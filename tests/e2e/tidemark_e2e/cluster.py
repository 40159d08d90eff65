"""What an Elasticsearch or OpenSearch index holds, read past the program, in the shape of the SQLite file's rows."""

import json
import random
import urllib.request

PAGE_SIZE = 2000
BOUNDARY = "\n"


def ask(url, method="GET", body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"} if data else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def fresh_alias():
    return f"model-{random.SystemRandom().getrandbits(48):012x}"


class Cluster:
    """One alias on a server; its indexes go with it."""

    def __init__(self, url, alias=None):
        self.url, self.alias = url, alias or fresh_alias()

    def options(self):
        return {"engine": self.url, "index": self.alias, "lease_duration": "1s", "engine_replicas": "0"}

    def rows(self):
        """{path bytes: {field: value}}; a path that is there twice, or a row that the alias shows too much, is an error."""
        rows, after = {}, None
        while True:
            body = {"size": PAGE_SIZE, "sort": [{"path_key": "asc"}, {"fragment_key": "asc"}], "query": {"match_all": {}}}
            if after:
                body["search_after"] = after
            answer = ask(f"{self.url}/{self.alias}/_search", "POST", body)
            assert not answer["timed_out"] and not answer["_shards"]["failed"], answer
            hits = answer["hits"]["hits"]
            for hit in hits:
                row = self.row(hit["_source"])
                if row["path"] in rows:
                    raise AssertionError(f"two documents have the path {row['path']!r}")
                rows[row["path"]] = row
            if len(hits) < PAGE_SIZE:
                return rows
            after = hits[-1]["sort"]

    @staticmethod
    def row(source):
        sections = source.pop("sections", [])
        return {
            **source,
            "path": bytes.fromhex(source["path_key"]),
            "prose": BOUNDARY.join(section.get("content", "") for section in sections),
            "code": BOUNDARY.join(section.get("code", "") for section in sections),
            "headings": BOUNDARY.join(section.get("heading", "") for section in sections),
            "anatomy": [[section["anchor"], section["level"], section.get("breadcrumb", "")] for section in sections],
        }

    def indexes(self):
        return ask(f"{self.url}/{self.alias}-*?expand_wildcards=all&allow_no_indices=true&filter_path=*.aliases")

    def remove(self):
        for name in self.indexes():
            ask(f"{self.url}/{name}", "DELETE")
