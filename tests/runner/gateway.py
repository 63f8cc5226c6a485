"""A small gateway in this process that speaks the contract: it keeps what an agent said and judges report numbers."""

from __future__ import annotations

import hashlib
import io
import queue
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.contracts.runner_pb2_grpc import RunnerAgentServiceServicer, add_RunnerAgentServiceServicer_to_server

CREDENTIAL = "credential-of-the-test-agent"
TOKEN = "enrol-me-once"


class TestGateway(RunnerAgentServiceServicer):
    """Stores reports only in order, answers each with the last stored number, as the real one does."""

    __test__ = False

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.reports: dict[str, list[pb.Report]] = {}
        self.received: list[tuple[str, int]] = []
        self.acknowledgements: list[pb.CommandAcknowledged] = []
        self.hellos: list[pb.Hello] = []
        self.heartbeats: list[pb.HeartbeatRequest] = []
        self.inventories: list[pb.Inventory] = []
        self.conditions: list[pb.Condition] = []
        self.observations: list[pb.Observation] = []
        # What this gateway says it speaks: from 2 on agents tell it their condition, from 3 on what runs.
        self.protocol = 3
        self.job_runs: list[pb.JobRun] = []
        self.volumes: list[pb.VolumesSeen] = []
        self.tasks: list[pb.TasksSeen] = []
        self.updates: list[pb.UpdateState] = []
        self.trials: list[pb.Hello] = []
        self.unanswered: list[pb.Hello] = []
        # Agents of this version get no answer to their Hello, but for a trial.
        self.mute_to = ""
        self.incarnation = ""
        self.log_batches: dict[str, list[pb.LogBatch]] = {}
        # Requests that nobody reads any more.
        self.unread: set[str] = set()
        self.ended_logs: list[str] = []
        # What may not be had any more.
        self.refused: set[str] = set()
        self.registrations: list[pb.RegisterAgentRequest] = []
        self.secrets: dict[str, dict[str, str]] = {}
        self.secret_calls: list[str] = []
        self.described: dict[str, bytes] = {}
        self.registries: list[pb.RegistryLogin] = []
        self.bundles: dict[str, bytes] = {}
        self.bundle_calls: list[str] = []
        self.deaf = False
        self.lose: set[int] = set()
        self._outgoing: queue.Queue[pb.ToAgent | None] | None = None
        self._server: grpc.Server | None = None
        self.port = 0

    # ---- the test's side ----

    def start(self) -> None:
        self._server = grpc.server(ThreadPoolExecutor(max_workers=12))
        add_RunnerAgentServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self) -> None:
        self.disconnect()
        if self._server is not None:
            self._server.stop(grace=0).wait()

    def disconnect(self) -> None:
        with self.changed:
            if self._outgoing is not None:
                self._outgoing.put(None)
            self._outgoing = None

    def send(self, command: pb.Command) -> None:
        self._say(pb.ToAgent(command=command))

    def keep(self, retention: pb.Retention) -> pb.Inventory:
        """Say what history keeps, and wait until the agent has cleaned up and taken stock after it."""
        self._say(pb.ToAgent(retention=retention))
        return self.inventory(lambda found: found.retention_number == retention.number)

    def inventory(self, condition: Callable[[pb.Inventory], bool], *, seconds: float = 60) -> pb.Inventory:
        """The newest inventory, once it is so."""
        found: pb.Inventory = self.until(
            lambda: next(filter(condition, self.inventories[-1:]), None), what="an inventory", seconds=seconds
        )
        return found

    def condition(self, wanted: Callable[[pb.Condition], Any], *, seconds: float = 30) -> pb.Condition:
        """The newest condition, once it is so."""
        found: pb.Condition = self.until(
            lambda: next(filter(wanted, self.conditions[-1:]), None), what="a condition of the agent", seconds=seconds
        )
        return found

    def order_update(self, order: pb.UpdateOrder) -> None:
        self._say(pb.ToAgent(update=order))

    def read_logs(self, request: pb.ReadLogs) -> None:
        self.log_batches[request.request_id] = []
        self._say(pb.ToAgent(read_logs=request))

    def lines(self, request_id: str) -> list[pb.ContainerLine]:
        """What was told until now."""
        return [line for batch in self.log_batches[request_id] for line in batch.lines]

    def past(self, request: pb.ReadLogs) -> tuple[list[str], list[str]]:
        """Texts of the past and remarks, once the agent has told them."""
        self.read_logs(request)
        name = request.request_id
        self.until(lambda: any(batch.caught_up for batch in self.log_batches[name]), what="the past", seconds=30)
        remarks = [remark for batch in self.log_batches[name] for remark in batch.remarks]
        return [line.text for line in self.lines(name)], remarks

    def _say(self, message: pb.ToAgent) -> None:
        self.until(lambda: self._outgoing is not None, what="an agent")
        if self._outgoing is not None:
            self._outgoing.put(message)

    def until(self, condition: Callable[[], Any], *, what: str = "it", seconds: float = 60) -> Any:
        """Wait for a condition over what the agent said; fails the test after the deadline."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (found := condition()):
                left = deadline - time.monotonic()
                assert left > 0, f"waited {seconds} s for {what}"
                self.changed.wait(min(left, 0.2))
            return found

    def finished(self, command_id: str, *, seconds: float = 60) -> pb.CommandFinished:
        found: pb.CommandFinished = self.until(
            lambda: next((r.finished for r in self.reports.get(command_id, []) if r.HasField("finished")), None),
            what=f"the end of {command_id}",
            seconds=seconds,
        )
        return found

    def observed(self, command_id: str, service: str, state: str) -> bool:
        """Whether the agent told of the service in this state. For use as a condition of `until`."""
        told = (r.service for r in self.reports.get(command_id, []) if r.HasField("service"))
        return any((each.service_name, each.state) == (service, state) for each in told)

    def acknowledged(self, command_id: str) -> list[pb.CommandAcknowledged]:
        return [each for each in self.acknowledgements if each.command_id == command_id]

    def log(self, command_id: str) -> str:
        with self.changed:
            return "".join(r.log.text for r in self.reports.get(command_id, []) if r.HasField("log"))

    def add_bundle(self, files: dict[str, str]) -> str:
        content = tar_of(files)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.bundles[digest] = content
        return digest

    # ---- the agent's side ----

    def RegisterAgent(  # noqa: N802
        self, request: pb.RegisterAgentRequest, context: grpc.ServicerContext
    ) -> pb.RegisterAgentResponse:
        used_up = bool(self.registrations)
        self._note(lambda: self.registrations.append(request))
        if request.agent_token != TOKEN or used_up:
            return pb.RegisterAgentResponse(
                status=common_pb2.ERROR, error=common_pb2.Error(code="UNAUTHORIZED", message="Unknown token.")
            )
        data = pb.RegisterAgentData(
            agent_id="agent-1", server_id=request.server_id, registration_successful=True, credential=CREDENTIAL
        )
        return pb.RegisterAgentResponse(status=common_pb2.SUCCESS, data=data)

    def Session(self, request_iterator: Iterator[pb.FromAgent], context: grpc.ServicerContext) -> Iterator[pb.ToAgent]:  # noqa: N802
        self._check(context)
        outgoing: queue.Queue[pb.ToAgent | None] = queue.Queue()
        hello = next(request_iterator).hello
        if hello.trial:
            self._note(lambda: self.trials.append(hello))
            yield pb.ToAgent(welcome=pb.Welcome(protocol=self.protocol))
            return
        if self.mute_to and hello.version == self.mute_to:
            self._note(lambda: self.unanswered.append(hello))
            context.abort(grpc.StatusCode.UNAVAILABLE, "Not now.")
        outgoing.put(
            pb.ToAgent(
                welcome=pb.Welcome(heartbeat_seconds=1, protocol=self.protocol, ledger_incarnation=self.incarnation)
            )
        )
        threading.Thread(target=self._listen, args=(request_iterator, outgoing), daemon=True).start()

        def open_session() -> None:
            self.hellos.append(hello)
            self._outgoing = outgoing

        self._note(open_session)
        while (message := outgoing.get()) is not None:
            yield message

    def _listen(self, messages: Iterator[pb.FromAgent], outgoing: queue.Queue[pb.ToAgent | None]) -> None:
        try:
            for message in messages:
                self._note(lambda message=message: self._take(message, outgoing))  # type: ignore[misc]
        except grpc.RpcError:
            pass
        except Exception:  # grpc tells of a lost client with a bare Exception
            pass
        outgoing.put(None)

    def _take(self, message: pb.FromAgent, outgoing: queue.Queue[pb.ToAgent | None]) -> None:
        kept: dict[str, list[Any]] = {
            "heartbeat": self.heartbeats, "volumes": self.volumes, "tasks": self.tasks, "update": self.updates,
            "observation": self.observations, "condition": self.conditions, "inventory": self.inventories,
            "acknowledged": self.acknowledgements,
        }  # fmt: skip
        kind = str(message.WhichOneof("message"))
        if kind in kept:
            kept[kind].append(getattr(message, kind))
        elif kind == "job_runs":
            self.job_runs += message.job_runs.runs
            stored = [pb.StoredRun(run_id=run.run_id, revision=run.revision) for run in message.job_runs.runs]
            outgoing.put(pb.ToAgent(job_runs_stored=pb.JobRunsStored(runs=stored)))
        elif kind == "report" and not self.deaf:
            outgoing.put(pb.ToAgent(reports_acknowledged=self._store(message.report)))

    def _store(self, report: pb.Report) -> pb.ReportsAcknowledged:
        self.received.append((report.command_id, report.number))
        stored = self.reports.setdefault(report.command_id, [])
        if report.number in self.lose:
            self.lose.remove(report.number)
        elif report.number == len(stored) + 1:
            stored.append(report)
        return pb.ReportsAcknowledged(command_id=report.command_id, number=len(stored))

    def FetchSecrets(self, request: pb.FetchSecretsRequest, context: grpc.ServicerContext) -> pb.FetchSecretsResponse:  # noqa: N802
        self._check(context)
        self._note(lambda: self.secret_calls.append(request.deployment_id))
        if request.deployment_id in self.refused:
            context.abort(grpc.StatusCode.NOT_FOUND, "No such deployment.")
        values = self.secrets.get(request.deployment_id, {})
        return pb.FetchSecretsResponse(values=values, registries=self.registries)

    def TellContainers(self, request: pb.TellContainersRequest, context: grpc.ServicerContext) -> common_pb2.Empty:  # noqa: N802
        self._check(context)
        self._note(lambda: self.described.update({request.command_id: request.containers}))
        return common_pb2.Empty()

    def StreamLogs(self, request_iterator: Iterator[pb.LogBatch], context: grpc.ServicerContext) -> common_pb2.Empty:  # noqa: N802
        self._check(context)
        name = ""
        for batch in request_iterator:
            name = name or batch.request_id
            if name in self.unread:
                break
            self._note(lambda name=name, batch=batch: self.log_batches[name].append(batch))  # type: ignore[misc]
        self._note(lambda: self.ended_logs.append(name))
        return common_pb2.Empty()

    def FetchBundle(self, request: pb.FetchBundleRequest, context: grpc.ServicerContext) -> Iterator[pb.BundleChunk]:  # noqa: N802
        self._check(context)
        self._note(lambda: self.bundle_calls.append(request.digest))
        if request.digest not in self.bundles:
            context.abort(grpc.StatusCode.NOT_FOUND, "No such bundle.")
        content = self.bundles[request.digest]
        for start in range(0, len(content), 4096):
            yield pb.BundleChunk(data=content[start : start + 4096])

    def _check(self, context: grpc.ServicerContext) -> None:
        if ("authorization", f"Bearer {CREDENTIAL}") not in tuple(context.invocation_metadata()):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Who are you?")

    def _note(self, change: Callable[[], object]) -> None:
        with self.changed:
            change()
            self.changed.notify_all()


def tar_of(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            info.mode = 0o644
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()
