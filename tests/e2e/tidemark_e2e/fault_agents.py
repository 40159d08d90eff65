"""Cells of the fault matrix: agents that die, stop or are two, and a server that dies."""

import threading

from .environment import wait_until
from .fault_stage import STATE, cell

WRITE_STATE = {"method": "PUT", "path": STATE}
BULK = {"method": "POST", "path": "/_bulk"}


def killed_when_held(stage, commit):
    """kill -9 of the agent while a request of it is held. The request reaches the server after all, and the agent starts again."""
    stage.proxy.await_held(1)
    stage.ingest.kill()
    stage.proxy.release()
    stage.proxy.rules()
    stage.fault()
    stage.ingest.start()
    return stage.level(commit)


def first_build(name, fault, **rule):
    def run(stage):
        stage.proxy.rules({"do": "hold", "times": 1, **rule})
        commit = stage.bare.push(stage.tree)
        stage.pair.start()
        return killed_when_held(stage, commit)

    run.__name__ = f"edge_37_agent_killed_{name}"
    cell(f"kill -9 of the agent that builds the first index: {fault} (edge case 37)")(run)


first_build("creating", "creating it", method="PUT", path="^/model-[^/]*$")
first_build("before_its_state", "before the index has a state", method="PUT", path=STATE)
first_build("filling", "in mid-bulk", method="POST", path="/_bulk")
first_build("refreshing", "before the refresh", method="POST", path="/_refresh")
first_build("swapping", "at the swap", method="POST", path="^/_aliases")


def diff(name, fault, rule, after_bulk=False):
    def run(stage):
        stage.start()
        stage.proxy.rules({"do": "hold", "times": 1, **(BULK if after_bulk else rule)})
        commit = stage.push()
        if after_bulk:
            stage.proxy.await_held(1)
            # Without a limit: a renewal may be held together with the bulk, and go with it.
            stage.proxy.rules({"do": "hold", **rule})
            stage.proxy.release()
        return killed_when_held(stage, commit)

    run.__name__ = f"agent_killed_{name}"
    cell(f"kill -9 of the agent in a diff: {fault}")(run)


diff("in_mid_bulk", "in mid-bulk", BULK)
diff("before_checkpoint", "before the state's next write", WRITE_STATE, after_bulk=True)


def rewrite(name, fault, rule):
    def run(stage):
        commit = stage.start()
        stage.proxy.rules({"do": "hold", "times": 1, **rule})
        stage.client.resync(mode="rewrite")
        return killed_when_held(stage, commit)

    run.__name__ = f"edge_37_agent_killed_{name}"
    cell(f"kill -9 of the agent that builds the index anew: {fault} (edge case 37)")(run)


rewrite("rebuilding_in_mid_bulk", "in mid-bulk", BULK)
rewrite("rebuilding_at_swap", "at the swap", {"method": "POST", "path": "^/_aliases"})
rewrite("rebuilding_at_removal", "before the old index is deleted", {"method": "DELETE", "path": "^/model-"})


@cell("two agents build the first index at once")
def two_first_builds(stage):
    commit = stage.bare.push(stage.tree)
    other = stage.second()
    stage.proxy.rules({"do": "hold", "method": "PUT", "path": "^/model-[^/]*$", "times": 1})
    stage.pair.start()
    stage.proxy.await_held(1)
    stage.fault()
    other.start().wait_alive()
    wait_until(lambda: stage.cluster.indexes(), "the other one begins, too")
    stage.proxy.release()
    return one_leads(stage, other, commit)


def one_leads(stage, other, commit):
    """One of the two is level and the other stands by: two that write would be a fault of their own."""
    agents = (stage.ingest, other)
    waiting = lambda: sum(bool(agent.client.status().get("standing_by")) for agent in agents)
    settled = lambda: waiting() == 1 and any(stage.claims(commit, agent, ()) for agent in agents)
    wait_until(settled, lambda: f"one leads and one stands by: {[agent.client.status() for agent in agents]}\n{stage.tails()}", 60, 0.05)
    leader = next(agent for agent in agents if not agent.client.status().get("standing_by"))
    return stage.level(commit, agent=leader)


@cell("an agent stopped between filling and swapping, another takes over")
def stopped_before_swap(stage):
    commit = stage.bare.push(stage.tree)
    stage.proxy.rules({"do": "hold", "method": "POST", "path": "^/_aliases", "times": 1})
    stage.pair.start()
    stage.proxy.await_held(1)
    stage.fault()
    stage.ingest.freeze()
    other = stage.second().start().wait_alive()
    stage.level(commit, agent=other)
    stage.proxy.release()
    stage.ingest.thaw()
    return one_leads(stage, other, commit)


@cell("one of two agents stopped (SIGSTOP) in mid-run for longer than its lease, its bulk arriving late")
def stopped_in_mid_run(stage):
    stage.start()
    other = stage.second().start().wait_alive()
    wait_until(lambda: other.client.status().get("standing_by"), "the second agent stands by")
    stage.proxy.rules({"do": "hold", "times": 1, **BULK})
    stage.push()
    stage.proxy.await_held(1)
    stage.fault()
    stage.ingest.freeze()
    commit = stage.push()
    stage.level(commit, agent=other)
    stage.proxy.release()
    stage.ingest.thaw()
    return one_leads(stage, other, commit)


@cell("kill -9 of the server in mid-bulk", own_server=True)
def server_killed(stage):
    stage.start()
    stage.proxy.rules({"do": "hold", "times": 1, **BULK})
    stage.fault()
    commit = stage.push()
    stage.proxy.await_held(1)
    # However fast the bulk is, the run is not over without its checkpoint.
    stage.proxy.rules({"do": "hold", "method": "PUT", "path": "tidemark-state"})
    releasing = threading.Thread(target=stage.proxy.release)
    releasing.start()
    stage.server.kill()
    releasing.join()
    stage.proxy.rules()
    stage.proxy.release()
    stage.fails(commit)
    stage.server.start()
    return stage.level(commit)
