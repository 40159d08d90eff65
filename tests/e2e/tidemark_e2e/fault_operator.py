"""Cells of the fault matrix: what an operator, another program or a snapshot does to the index behind the agent's back."""

from urllib.parse import quote

from .engine import ask
from .environment import wait_until
from .fault_stage import STATE, cell

NEVER_DIFF = ("audit", "rebuild")


def behind_its_back(stage, *acts, modes=NEVER_DIFF, push=True, keep=()):
    """The acts happen while the agent idles, then a push; a run of these modes has to follow."""
    stage.start()
    stage.fault()
    for act in acts:
        act()
    commit = stage.push() if push else stage.bare.tip()
    return stage.level(commit, modes=modes, keep=keep)


def delete_by_query(stage, query):
    stage.request("POST", f"/{stage.physical()}/_delete_by_query?refresh=true&conflicts=proceed", {"query": query})


def edit(stage, physical):
    """Another body, and everything by which the agent compares stays the same."""
    for document in stage.content_ids()[:3]:
        body = stage.request("GET", f"/{physical}/_doc/{ask_id(document)}").json["_source"]
        body["sections"] = [{"heading": "by hand", "content": "pxhand0000", "anchor": "", "level": 1}]
        stage.request("PUT", f"/{physical}/_doc/{ask_id(document)}?refresh=true", body)


def ask_id(document):
    return quote(document, safe="")


@cell("the index deleted (edge cases 34, 36)")
def edge_34_36_index_deleted(stage):
    return behind_its_back(stage, lambda: stage.request("DELETE", f"/{stage.physical()}"), modes=("rebuild",))


@cell("the index deleted, and nobody pushes")
def edge_34_index_deleted_without_push(stage):
    return behind_its_back(stage, lambda: stage.request("DELETE", f"/{stage.physical()}"), modes=("rebuild",), push=False)


@cell("the index deleted while a bulk is on its way (edge case 34)")
def edge_34_index_deleted_in_mid_bulk(stage):
    stage.start()
    stage.proxy.rules({"do": "hold", "method": "POST", "path": "/_bulk", "times": 1})
    stage.fault()
    commit = stage.push()
    stage.proxy.await_held(1)
    stage.request("DELETE", f"/{stage.physical()}")
    stage.proxy.release()
    return stage.level(commit, modes=("rebuild",))


@cell("the index emptied by delete_by_query (edge case 35)")
def edge_35_index_emptied(stage):
    return behind_its_back(stage, lambda: delete_by_query(stage, {"exists": {"field": "kind"}}))


@cell("everything in the index deleted, the state too (edge case 35)")
def edge_35_index_emptied_with_state(stage):
    return behind_its_back(stage, lambda: delete_by_query(stage, {"match_all": {}}))


@cell("the index closed (edge case 56)")
def edge_56_index_closed(stage):
    return behind_its_back(stage, lambda: stage.request("POST", f"/{stage.physical()}/_close"), modes=())


def blocked(stage, block):
    def block_and_wait():
        stage.request("PUT", f"/{stage.physical()}/_settings", {f"index.blocks.{block}": True})
        wait_until(lambda: "removing a block" in stage.ingest.log(), lambda: f"the block is seen\n{stage.ingest.tail()}")

    return behind_its_back(stage, block_and_wait, modes=())


@cell("the index set read-only")
def index_read_only(stage):
    return blocked(stage, "read_only")


@cell("writes to the index blocked")
def index_write_block(stage):
    return blocked(stage, "write")


@cell("the index's metadata blocked")
def index_metadata_block(stage):
    return blocked(stage, "metadata")


class Snapshot:
    def __init__(self, stage):
        self.stage, self.physical = stage, stage.physical()
        self.repository = f"repo-{stage.cluster.alias}"
        stage.request("PUT", f"/_snapshot/{self.repository}", {"type": "fs", "settings": {"location": self.repository}})
        stage.request("PUT", f"/_snapshot/{self.repository}/one?wait_for_completion=true", {"indices": self.physical, "include_global_state": False})

    def restore(self, **more):
        body = {"indices": self.physical, "include_global_state": False, **more}
        # The agent may be filling a new index at this moment; only a restore that was done is one.
        answer = self.stage.request("POST", f"/_snapshot/{self.repository}/one/_restore?wait_for_completion=true", body)
        assert answer.json["snapshot"]["shards"]["failed"] == 0, answer.json

    def forget(self):
        self.stage.request("DELETE", f"/_snapshot/{self.repository}/one")
        self.stage.request("DELETE", f"/_snapshot/{self.repository}")


def later_than_snapshot(stage):
    stage.start()
    snapshot = Snapshot(stage)
    commit = stage.push()
    stage.level(commit)
    return snapshot, commit


@cell("the index replaced by a restored snapshot")
def replaced_by_restore(stage):
    snapshot, commit = later_than_snapshot(stage)
    try:
        stage.freeze()
        stage.request("DELETE", f"/{snapshot.physical}")
        snapshot.restore()
        stage.thaw()
        commit = stage.push()
        return stage.level(commit, modes=NEVER_DIFF)
    finally:
        snapshot.forget()


@cell("an old snapshot restored over the closed index, and nobody pushes")
def old_snapshot_over_closed(stage):
    snapshot, commit = later_than_snapshot(stage)
    try:
        stage.freeze()
        stage.request("POST", f"/{snapshot.physical}/_close")
        snapshot.restore()
        stage.thaw()
        return stage.level(commit, modes=NEVER_DIFF)
    finally:
        snapshot.forget()


@cell("a renamed copy restored beside the index, with its aliases")
def renamed_copy(stage):
    snapshot, commit = later_than_snapshot(stage)
    try:
        stage.fault()
        snapshot.restore(rename_pattern="(.+)", rename_replacement="$1-copy")
        copy = snapshot.physical + "-copy"
        commit = stage.push()
        result = stage.level(commit, modes=NEVER_DIFF, keep=[copy])
        assert copy in stage.cluster.indexes(), "somebody's copy was deleted"
        return result
    finally:
        snapshot.forget()


@cell("the alias taken away")
def alias_lost(stage):
    away = lambda: stage.request("POST", "/_aliases", {"actions": [{"remove": {"index": stage.physical(), "alias": stage.cluster.alias}}]})
    return behind_its_back(stage, away)


@cell("the alias's private twin moved to another index, readers too (edge case 56)")
def edge_56_alias_moved(stage):
    def move():
        physical, other = stage.physical(), f"{stage.cluster.alias}-other"
        stage.request("PUT", f"/{other}")
        actions = [("remove", physical, stage.cluster.alias), ("remove", physical, physical + ".write"), ("add", other, physical + ".write")]
        stage.request("POST", "/_aliases", {"actions": [{act: {"index": index, "alias": alias}} for act, index, alias in actions]})

    return behind_its_back(stage, move, keep=[f"{stage.cluster.alias}-other"])


@cell("documents edited by hand, count and fingerprint the same")
def documents_edited(stage):
    return behind_its_back(stage, lambda: edit(stage, stage.physical()), push=False)


@cell("documents edited by hand while a push comes")
def documents_edited_with_push(stage):
    return behind_its_back(stage, lambda: edit(stage, stage.physical()))


@cell("documents added by hand, one of them with a path twice (edge case 40)")
def edge_40_documents_added(stage):
    def add():
        physical = stage.physical()
        body = stage.request("GET", f"/{physical}/_doc/{ask_id(stage.content_ids()[0])}").json["_source"]
        stage.request("PUT", f"/{physical}/_doc/by-hand?refresh=true", body)
        stage.request("PUT", f"/{physical}/_doc/by-hand-2?refresh=true", {"title": "mine"})

    return behind_its_back(stage, add, push=False)


@cell("documents deleted by hand")
def documents_deleted(stage):
    remove = lambda: [stage.request("DELETE", f"/{stage.physical()}/_doc/{ask_id(document)}?refresh=true") for document in stage.content_ids()[:4]]
    return behind_its_back(stage, remove, push=False)


@cell("a document written with a version beyond ours")
def document_of_the_future(stage):
    def write():
        physical, document = stage.physical(), stage.content_ids()[0]
        body = stage.request("GET", f"/{physical}/_doc/{ask_id(document)}").json["_source"]
        body["sections"] = []
        stage.request("PUT", f"/{physical}/_doc/{ask_id(document)}?version=9000000000000000&version_type=external&refresh=true", body)

    return behind_its_back(stage, write, modes=("rebuild",), push=False)


@cell("the state document deleted")
def state_deleted(stage):
    return behind_its_back(stage, lambda: stage.request("DELETE", f"/{stage.physical()}/_doc/{STATE}"))


@cell("the state document of a newer schema: left alone, until an operator deletes the index")
def state_newer(stage):
    stage.start()
    physical = stage.physical()
    stage.freeze()
    body = stage.request("GET", f"/{physical}/_doc/{STATE}").json["_source"]
    body["state"]["schema"] = 99
    stage.request("PUT", f"/{physical}/_doc/{STATE}?refresh=true", body)
    before = stage.cluster.rows()
    stage.thaw()
    # A push before its next look would still be its own business, as that of any writer who was fenced a moment ago.
    wait_until(lambda: "newer" in (stage.client.status()["standing_by"] or ""), lambda: f"the agent stands by\n{stage.ingest.tail()}")
    commit = stage.push()
    stage.fails(commit, "newer", "schema")
    assert stage.cluster.rows() == before, "an index of a newer version was written to"
    stage.request("DELETE", f"/{physical}")
    return stage.level(commit, modes=("rebuild",))


@cell("a tombstone forgotten by closing and opening, and a late write after it (edge case 39)")
def edge_39_late_write(stage):
    stage.start()
    bulk = {"method": "POST", "path": "/_bulk"}
    stage.proxy.rules({**bulk, "do": "late", "times": 1})
    name = "遅い.md".encode()
    stage.tree[name] = stage.file(name)
    stage.level(stage.publish())
    del stage.tree[name]
    commit = stage.publish()
    stage.level(commit)
    physical = stage.physical()
    stage.freeze()
    stage.request("POST", f"/{physical}/_close")
    stage.request("POST", f"/{physical}/_open?wait_for_active_shards=1")
    wait_until(lambda: ask(stage.url, "GET", f"/_cluster/health/{physical}?wait_for_status=yellow&timeout=5s").status == 200, "the index opens")
    released = stage.proxy.release()
    assert released["statuses"] == [200], released
    stage.request("POST", f"/{physical}/_refresh")
    assert name in stage.cluster.rows(), "the late write did not bring the document back: the cell shows nothing"
    stage.thaw()
    return stage.level(commit, modes=NEVER_DIFF)


@cell("a hand edit just before a lease renewal")
def edit_before_renewal(stage):
    commit = stage.start()
    stage.proxy.rules({"do": "hold", "method": "PUT", "path": STATE, "times": 1})
    stage.proxy.await_held(1)
    stage.fault()
    edit(stage, stage.physical())
    stage.proxy.release()
    return stage.level(commit, modes=NEVER_DIFF)


@cell("a hand edit just before a checkpoint")
def edit_before_checkpoint(stage):
    stage.start()
    bulk = {"do": "hold", "method": "POST", "path": "/_bulk", "times": 1}
    stage.proxy.rules(bulk)
    stage.fault()
    commit = stage.push()
    stage.proxy.await_held(1)
    # Every write of the state from now on: a renewal may be held together with the bulk, and go with it.
    stage.proxy.rules({"do": "hold", "method": "PUT", "path": STATE})
    stage.proxy.release()
    stage.proxy.await_held(1)
    edit(stage, stage.physical())
    stage.proxy.rules()
    stage.proxy.release()
    return stage.level(commit, modes=NEVER_DIFF)


@cell("an index of the alias's own name, until an operator deletes it")
def name_taken(stage):
    stage.request("PUT", f"/{stage.cluster.alias}")
    stage.foreign.append(stage.cluster.alias)
    commit = stage.bare.push(stage.tree)
    stage.pair.start()
    stage.fault()
    stage.fails(commit, stage.cluster.alias)
    assert stage.cluster.indexes() == {}, f"something was created: {stage.cluster.indexes()}"
    stage.request("DELETE", f"/{stage.cluster.alias}")
    stage.foreign.clear()
    return stage.level(stage.push(), modes=("rebuild",))
