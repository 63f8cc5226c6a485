"""Words for states and kinds that are stored in English and shown alone: in a pill, in a list, between commas.

`agents.wording.pages.shown` finds them by their English; a test holds them complete.
"""

from __future__ import annotations

from agents.wording.pages import lazy

STATE_WORDS = (
    # Of work: installations, updates, changes of clusters, deliveries.
    *(lazy("cancelled"), lazy("confirming"), lazy("done"), lazy("ordered"), lazy("pending"), lazy("refused")),
    *(lazy("failed"), lazy("running"), lazy("sent"), lazy("skipped"), lazy("succeeded"), lazy("unknown")),
    *(lazy("waiting"), lazy("working")),
    # Of the nodes of a Swarm, as Docker calls them.
    *(lazy("manager"), lazy("worker"), lazy("reachable"), lazy("unreachable"), lazy("ready"), lazy("down")),
    *(lazy("disconnected"), lazy("active"), lazy("pause"), lazy("drain")),
    # Of containers, as Docker calls them.
    *(lazy("created"), lazy("dead"), lazy("exited"), lazy("healthy"), lazy("paused"), lazy("removing")),
    *(lazy("restarting"), lazy("starting"), lazy("unhealthy")),
    # What a message or an installation is about.
    *(lazy("opened"), lazy("closed"), lazy("reminder"), lazy("test"), lazy("install"), lazy("uninstall")),
    # What people are in a project.
    *(lazy("viewer"), lazy("deployer"), lazy("editor"), lazy("approver")),
    # Of the runs of a job that meet, and of a variable.
    *(lazy("allow"), lazy("forbid"), lazy("replace"), lazy("set"), lazy("removed")),
    # What a deployment does.
    *(lazy("deploy"), lazy("rollback"), lazy("stop"), lazy("scale"), lazy("restart"), lazy("repair")),
)
