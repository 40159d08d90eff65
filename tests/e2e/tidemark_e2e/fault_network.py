"""Cells of the fault matrix: the network and what a cluster or a proxy before it answers."""

from .fault_stage import STATE, cell

BULK = {"method": "POST", "path": "/_bulk"}
BUSY = '{"error":{"type":"es_rejected_execution_exception"},"status":429}'
AWAY = '{"error":{"type":"no_shard_available_action_exception"},"status":503}'
REJECTED = {"status": 429, "type": "es_rejected_execution_exception", "reason": "rejected execution"}


def passing(stage, *rules, at=0):
    """The rules meet a push, and end by themselves."""
    stage.start()
    stage.proxy.rules(*rules)
    stage.fault()
    commit = stage.push()
    result = stage.level(commit)
    assert stage.proxy.hits()[at] > 0, "the fault did not happen"
    return result


def lasting(stage, *rules, words=()):
    """The rules meet a push and last until the status has named the failure."""
    stage.start()
    stage.proxy.rules(*rules)
    stage.fault()
    commit = stage.push()
    stage.fails(commit, *words)
    stage.proxy.rules()
    return stage.level(commit)


@cell("connection refused")
def connection_refused(stage):
    stage.start()
    stage.proxy.refuse(True)
    stage.fault()
    commit = stage.push()
    stage.fails(commit, "connect", "reset", "refused")
    stage.proxy.refuse(False)
    return stage.level(commit)


@cell("connection reset before the request reached the server")
def reset_before(stage):
    return passing(stage, {**BULK, "do": "reset-before", "times": 2})


@cell("connection reset after the request reached the server")
def reset_after(stage):
    return passing(stage, {**BULK, "do": "reset-after", "times": 2})


@cell("reset after the server had the state's write (a lost checkpoint)")
def reset_after_checkpoint(stage):
    return passing(stage, {"method": "PUT", "path": STATE, "do": "reset-after", "times": 3})


@cell("every connection reset until the failure is named")
def reset_everything(stage):
    return lasting(stage, {"do": "reset-before"}, words=("reset", "recv", "empty", "failure", "connection"))


@cell("no answer within the time limit, before and after the server had it")
def timeouts(stage):
    stage.ingest.options["engine_timeout"] = "1s"
    return passing(stage, {**BULK, "do": "silence", "times": 1}, {**BULK, "do": "silence", "after": True, "times": 1})


@cell("429 for whole bulks (edge case 26)")
def edge_26_answer_429(stage):
    return passing(stage, {**BULK, "do": "answer", "status": 429, "body": BUSY, "type": "application/json", "times": 3})


@cell("503 for everything until the failure is named (edge case 56)")
def edge_56_answer_503(stage):
    return lasting(stage, {"do": "answer", "status": 503, "body": AWAY, "type": "application/json"}, words=("503",))


@cell("200 with items of 429 (edge cases 27, 28, 29)")
def edge_27_28_29_items_429(stage):
    return passing(stage, {**BULK, "do": "items", "at": [0, 3], "times": 2, **REJECTED})


@cell("200 with items of 503 which were applied all the same")
def items_503_applied(stage):
    gone = {"status": 503, "type": "unavailable_shards_exception", "reason": "gone"}
    return passing(stage, {**BULK, "do": "items", "every": 2, "times": 2, "applied": True, **gone})


@cell("413 (edge cases 23, 24)")
def edge_23_24_answer_413(stage):
    return passing(stage, {**BULK, "do": "answer", "status": 413, "body": "", "times": 2})


@cell("502 with HTML from a proxy (edge case 56)")
def edge_56_answer_502_html(stage):
    return lasting(stage, {"do": "answer", "status": 502, "body": "<html><h1>502 Bad Gateway</h1></html>", "after": True}, words=("502",))


@cell("200 with HTML, the request applied (edge case 56)")
def edge_56_answer_200_html(stage):
    return lasting(stage, {**BULK, "do": "answer", "status": 200, "body": "<html>welcome</html>", "after": True}, words=("json", "answer"))


@cell("answer cut off, the connection breaks")
def truncated_kept(stage):
    return passing(stage, {**BULK, "do": "truncate", "bytes": 120, "length": "kept", "times": 2})


@cell("answer cut off, but it pretends to be whole")
def truncated_cut(stage):
    return passing(stage, {**BULK, "do": "truncate", "bytes": 120, "length": "cut", "times": 2})


@cell("the items of an answer in another order (edge case 32)")
def edge_32_reordered(stage):
    return passing(stage, {**BULK, "do": "rearrange", "order": "reverse", "times": 2})


@cell("an answer with fewer items than were sent (edge case 32)")
def edge_32_items_missing(stage):
    return passing(stage, {**BULK, "do": "rearrange", "drop": 2, "times": 2})


@cell("an answer with more items than were sent (edge case 32)")
def edge_32_items_repeated(stage):
    return passing(stage, {**BULK, "do": "rearrange", "repeat": 2, "times": 2})


@cell("401, then a rotated key (edge case 56)")
def edge_56_rotated_key(stage):
    key = stage.folder / "api.key"
    key.write_text("b2xkOm9sZA==\n")
    stage.ingest.options["engine_api_key_file"] = key
    stage.start()
    stage.proxy.rules({"do": "answer", "status": 401, "body": '{"error":{"type":"security_exception"},"status":401}', "type": "application/json"})
    stage.fault()
    commit = stage.push()
    stage.fails(commit, "401", "credential", "key")
    key.write_text("bmV3Om5ldw==\n")
    stage.proxy.rules()
    return stage.level(commit)


@cell("every answer a slow trickle")
def slow_trickle(stage):
    return passing(stage, {"do": "trickle", "bytes_per_second": 3000, "times": 12})


@cell("a full disk's block: 403 for the bulk, later gone (edge case 33)")
def edge_33_flood_stage(stage):
    stage.start()
    settings = f"/{stage.physical()}/_settings"
    stage.request("PUT", settings, {"index.blocks.read_only_allow_delete": True})
    stage.fault()
    commit = stage.push()
    stage.fails(commit, "block", "read-only", "read_only")
    stage.request("PUT", settings, {"index.blocks.read_only_allow_delete": None})
    return stage.level(commit)
