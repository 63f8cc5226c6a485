"""One look at what containers of a project write: the past, merged by time, then what comes. Blocks; for threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import requests
from docker.errors import DockerException

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_PAST_LINES, MAX_SEARCH
from agents.runner.control_plane.reports import LINE_CUT, MAX_LINE, masked_text
from agents.runner.docker.container_logs import LogStream, open_following, open_past
from agents.runner.docker.log_files import Searched, files_of, search
from agents.runner.docker.our_containers import OurContainers
from agents.runner.errors import RunnerError
from agents.runner.logs.lines import LineReader, RawLine, Source, nanoseconds, shown
from agents.runner.logs.live import LiveLines, PastLines
from agents.runner.logs.sources import Found, LogSources
from agents.runner.logs.values import LogMasking

# Lines of one container that the engine is asked for when they cannot be searched in its files.
MAX_SEARCHED_LINES = 20_000
MS = 1_000_000
# Docker's events wake the next look at which containers there are; this is for the event that never came.
LOOK_SECONDS = 30.0
# After an event, so that a container which starts again and again is looked at a few times a second.
SETTLE_SECONDS = 0.3
TOO_LONG = "The lines are long: older ones than these are left out."
FAULTS = (RunnerError, DockerException, requests.RequestException, OSError, ValueError, KeyError)


class LogReading:
    """Reads for one request. `live` gets what is written while `follow` runs; `close` ends it from any thread."""

    def __init__(self, *, request: pb.ReadLogs, containers: OurContainers, masking: LogMasking) -> None:
        self._request = request
        self._containers = containers
        self._masking = masking
        self._needle = request.search[:MAX_SEARCH].lower()
        self._sources = LogSources(request=request, containers=containers, masking=masking, say=self._say)
        self._remarks: list[str] = []
        self._said: set[str] = set()
        self._last: dict[str, int] = {}
        self._streams: dict[str, LogStream] = {}
        self._turn = threading.Lock()
        self._stirred: set[str] = set()
        self._events = threading.Event()
        self._closed = threading.Event()
        self.live = LiveLines()

    def remarks(self) -> list[str]:
        """Return what is to be said to people since the last time."""
        with self._turn:
            remarks, self._remarks = self._remarks, []
        return remarks

    def close(self) -> None:
        self._closed.set()
        self._events.set()
        with self._turn:
            streams = list(self._streams.values())
        for stream in streams:
            stream.close()

    # The past

    def past(self) -> list[pb.ContainerLine]:
        """Return the newest lines of all containers, by time, as many as are asked for."""
        wanted = min(self._request.tail, MAX_PAST_LINES)
        newest: list[RawLine] = []
        for found in self._sources.find():
            if self._closed.is_set():
                break
            try:
                newest = self._newest([*newest, *self._past_of(found, wanted)], wanted)
            except FAULTS as error:
                self._say(f"{found.source.name} cannot be read: {_words(error)}")
        return self.told(newest)

    def _newest(self, lines: Iterable[RawLine], wanted: int) -> list[RawLine]:
        """Return the newest lines, by time, as many as are wanted and memory allows."""
        kept = PastLines(wanted=wanted)
        for line in sorted(lines, key=lambda line: line.at_ns):
            kept.add(line)
        if kept.cut:
            self._say(TOO_LONG)
        return list(kept.lines)

    def _past_of(self, found: Found, wanted: int) -> list[RawLine]:
        request, source = self._request, found.source
        if self._needle or not wanted:
            # From here on what follows is new, whether it is told or not.
            for line in self._read(found, tail=1, until_ms=0):
                self._last[source.container_id] = line.at_ns
        if not wanted:
            return []
        if self._needle:
            lines = self._searched(found, wanted)
        else:
            kept = PastLines(wanted=wanted)
            for line in self._read(found, tail=wanted, until_ms=request.until_ms):
                kept.add(line)
            lines = list(kept.lines)
            if kept.cut:
                self._say(TOO_LONG)
            self._last[source.container_id] = max((line.at_ns for line in lines), default=0)
        return lines

    def _searched(self, found: Found, wanted: int) -> list[RawLine]:
        files = files_of(found.inspected)
        if not files:
            return self._searched_by_engine(found, wanted)
        searched = Searched()
        lines: list[RawLine] = []
        for time, is_error, text in search(files=files, needle=self._request.search[:MAX_SEARCH], searched=searched):
            at_ns = _nanoseconds(time)
            if self._request.since_ms * MS > at_ns or len(lines) == wanted or self._closed.is_set():
                break
            if self._in_time(at_ns) and self._matches(text):
                lines.append(_line(found.source, at_ns=at_ns, text=text, is_error=is_error))
        if not searched.whole:
            self._say(f"{found.source.name}: only the newest {searched.bytes >> 20} MiB were searched.")
        if searched.in_pieces:
            self._say(f"{found.source.name}: lines of more than 16 KiB were not searched ({searched.in_pieces}).")
        return lines

    def _searched_by_engine(self, found: Found, wanted: int) -> list[RawLine]:
        kept, read = PastLines(wanted=wanted), 0
        for line in self._read(found, tail=MAX_SEARCHED_LINES, until_ms=self._request.until_ms):
            read += 1
            if self._matches(line.text):
                kept.add(line)
        if read >= MAX_SEARCHED_LINES:
            self._say(f"{found.source.name}: only its last {MAX_SEARCHED_LINES} lines were searched.")
        return list(kept.lines)

    def _in_time(self, at_ns: int) -> bool:
        return not self._request.until_ms or at_ns <= self._request.until_ms * MS

    def _read(self, found: Found, *, tail: int, until_ms: int) -> Iterable[RawLine]:
        stream = open_past(
            container_id=found.source.container_id, tail=tail, since_ms=self._request.since_ms, until_ms=until_ms
        )
        reader = LineReader(source=found.source, framed=found.framed, keep=MAX_LINE + self._masking.masker.longest)
        with contextlib.closing(stream):
            for data in stream:
                yield from reader.take(data)
                if self._closed.is_set():
                    return

    # What comes

    def follow(self) -> None:
        """Read on until closed: what runs, what starts anew, and what is gone again at once."""
        watch = self._containers.watch(wake=self._events.set, heard=self._note)
        try:
            while not self._closed.is_set():
                with contextlib.suppress(*FAULTS):  # the next look comes
                    for found in self._sources.find():
                        self._follow(found)
                self._closed.wait(SETTLE_SECONDS)
                self._events.wait(LOOK_SECONDS)
                self._events.clear()
        finally:
            watch.close()

    def _note(self, event: Mapping[str, Any]) -> None:
        with self._turn:
            self._stirred.add(str(event.get("id") or event.get("Actor", {}).get("ID", "")))

    def _follow(self, found: Found) -> None:
        """Begin to follow the container, unless that is done already or it has nothing new to say."""
        container_id = found.source.container_id
        runs = found.inspected["State"]["Running"]
        with self._turn:
            stirred = container_id in self._stirred
            self._stirred.discard(container_id)
            new = container_id not in self._last
            if container_id in self._streams or self._closed.is_set() or not (runs or stirred or new):
                return
        thread = threading.Thread(target=self._follow_one, args=(found,), name="follow-log", daemon=True)
        try:
            stream = open_following(container_id=container_id, since_ms=self._since_ms(container_id))
        except FAULTS:  # it has gone, or Docker has: the next look tells
            return
        with self._turn:
            self._streams[container_id] = stream
        thread.start()
        if self._closed.is_set():
            stream.close()

    def _since_ms(self, container_id: str) -> int:
        return max(self._request.since_ms, self._last.get(container_id, 0) // MS)

    def _follow_one(self, found: Found) -> None:
        container_id = found.source.container_id
        stream = self._streams[container_id]
        reader = LineReader(source=found.source, framed=found.framed, keep=MAX_LINE + self._masking.masker.longest)
        last = self._last.get(container_id, 0)
        try:
            for data in stream:
                for line in reader.take(data):
                    if line.at_ns > last and self._matches(line.text):
                        self.live.add(line)
                    last = max(last, line.at_ns)
        except Exception:  # noqa: S110 - however its line ends: it is read on from here if it still is there
            pass
        finally:
            stream.close()
            with self._turn:
                self._last[container_id] = last
                del self._streams[container_id]
            self._events.set()

    # What both need

    def told(self, lines: Iterable[RawLine]) -> list[pb.ContainerLine]:
        """Return the lines as they may be told. What is searched for must stand in what is shown: nobody learns by
        searching what is masked."""
        found = []
        for line in lines:
            text = masked_text(shown(line.text), masker=self._masking.masker, limit=MAX_LINE, remark=LINE_CUT)
            if self._needle in text.lower():
                found.append(
                    pb.ContainerLine(
                        at_ns=line.at_ns,
                        service_name=line.service,
                        container_name=line.container,
                        text=text,
                        is_error_stream=line.is_error_stream,
                    )
                )
        return found

    def _matches(self, text: str) -> bool:
        return not self._needle or self._needle in shown(text).lower()

    def _say(self, remark: str) -> None:
        with self._turn:
            if remark not in self._said:
                self._said.add(remark)
                self._remarks.append(remark)


def _line(source: Source, *, at_ns: int, text: str, is_error: bool) -> RawLine:
    return RawLine(at_ns=at_ns, service=source.service, container=source.name, text=text, is_error_stream=is_error)


def _nanoseconds(time: str) -> int:
    digits = time[20:29].rstrip("Z") if time[19:20] == "." else ""
    return nanoseconds(time[:19]) + (int(digits.ljust(9, "0")) if digits.isdigit() else 0)


def _words(error: BaseException) -> str:
    """Return what went wrong, without what was read."""
    return str(error)[:200] if isinstance(error, RunnerError) else type(error).__name__
