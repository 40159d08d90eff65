"""What the fault proxy does to the items of a bulk: which are kept from the server, and what is said of them instead."""
import gzip
import json


def operations(body):
    """The lines of each operation: (action, bytes)."""
    lines = body.split(b"\n")
    at, found = 0, []
    while at < len(lines) and lines[at]:
        action = next(iter(json.loads(lines[at])))
        count = 1 if action == "delete" else 2
        found.append((action, b"\n".join(lines[at:at + count]) + b"\n"))
        at += count
    return found


def unpacked(request):
    if request.get("content-encoding") == "gzip":
        request.body = gzip.decompress(request.body)
        request.headers = request.without("content-encoding")


def unpacked_size(request):
    return len(gzip.decompress(request.body)) if request.get("content-encoding") == "gzip" else len(request.body)


def chosen(fault, count):
    """Positions: "at": [0, 3], or "every": 10 (the first, the eleventh, ...)."""
    if "every" in fault:
        return set(range(0, count, fault["every"]))
    return {at for at in fault["at"] if at < count}


def turned_away(fault, action):
    error = {"type": fault.get("type", "es_rejected_execution_exception"), "reason": fault.get("reason", "the proxy turned it away")}
    return {action: {"status": fault["status"], "error": error}}


def merged(fault, sent, positions, answer):
    """The server's answer with the chosen items' errors at their places. `sent`: of all; the server saw those that were not chosen, or all."""
    value = json.loads(answer) if answer else {"items": []}
    given = iter(value["items"])
    items = []
    for at, (action, _) in enumerate(sent):
        item = None if at in positions and not fault.get("applied") else next(given)
        items.append(turned_away(fault, action) if at in positions else item)
    return json.dumps({**value, "errors": True, "items": items}).encode()


def rearranged(fault, body):
    """"order": "reverse", "drop": N of the last items, "repeat": N of the last items once more."""
    value = json.loads(body)
    if fault.get("order") == "reverse":
        value["items"].reverse()
    if fault.get("drop"):
        del value["items"][-fault["drop"]:]
    if fault.get("repeat"):
        value["items"] += value["items"][-fault["repeat"]:]
    return json.dumps(value).encode()
