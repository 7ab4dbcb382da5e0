"""Nights on one machine: the server that cron needs, the nightly flow served from it, and a watch on late nights.

    cx-nlp schedule --config night.yaml

The server listens on the loopback interface alone and reports nothing. All of it stops together: on Ctrl-C, on SIGTERM,
and when this process is killed.
"""

import asyncio
import contextlib
import datetime as dt
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)

from cx_nlp.config import Config, load_config
from cx_nlp.errors import PermanentError
from cx_nlp.late import overdue

# Prefect itself is imported within: it reads where its server is when it is imported.
HOST = "127.0.0.1"
START_SECONDS = 180.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.25
log = logging.getLogger("cx_nlp")


def schedule(config: Path, *, cron: str | None = None, timezone: str | None = None, port: int = 4200) -> None:
    """Serve the nightly flow of a config until this process is told to stop.

    cron, timezone: instead of the config's. port: of the local server; none is started where PREFECT_API_URL names one.
    Raises UsageError for a wrong config, PermanentError where the server cannot start.
    """
    settings = load_config(config)
    cron, timezone = cron or settings.flow.cron, timezone or settings.flow.timezone
    with contextlib.ExitStack() as stack:
        if "PREFECT_API_URL" not in os.environ:
            os.environ["PREFECT_API_URL"] = stack.enter_context(server(port))
        _check(settings)
        next_time = _times(cron, timezone)
        stopping = threading.Event()
        stack.callback(stopping.set)
        if settings.flow.late_after is not None:
            watching = (settings, next_time, settings.flow.late_after, stopping)
            threading.Thread(target=_watch, args=watching, daemon=True).start()
        log.info(
            "nights at %r (%s), the next one %s; server %s; Ctrl-C ends it",
            cron, timezone, next_time(dt.datetime.now(dt.UTC)).isoformat(timespec="minutes"), _shown(os.environ["PREFECT_API_URL"]),
        )  # fmt: skip
        _serve(config, cron, timezone)


def _shown(url: str) -> str:
    """An address without the name and password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _serve(config: Path, cron: str, timezone: str) -> None:
    from cx_nlp_pipelines.nightly import nightly
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.flows import EntrypointType
    from prefect.runner import Runner
    from prefect.schedules import Cron

    class Served(Runner):
        def handle_sigterm(self, *_: object) -> None:
            """End a night at work, then leave as on Ctrl-C; Prefect's own way exits from within its event loop."""
            asyncio.get_running_loop().create_task(self._leave())

        async def _leave(self) -> None:
            with contextlib.suppress(Exception):  # the server may be gone already
                await self.cancel_all()
            signal.raise_signal(signal.SIGINT)

    served = Served(name="nightly", limit=1)
    served.add_flow(
        nightly,
        name="nightly",
        schedule=Cron(cron, timezone=timezone),
        parameters={"config": str(config.resolve())},
        tags=["cx-nlp", "nightly"],
        # A second night waits for the first. The lake's lock is what guards it: a slot may outlive a killed night.
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        # By its module, not its file: a file's functions travel to workers by value, and would load the model anew.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    try:
        asyncio.run(served.start())
    except KeyboardInterrupt:
        log.info("no more nights; what is committed stays")


def _check(settings: Config) -> None:
    """What can be known wrong is said now, not at three in the morning."""
    from cx_nlp_pipelines import blocks
    from cx_nlp_pipelines.loaded import taxonomy

    from cx_nlp import night
    from cx_nlp.sources import credentials

    with credentials.looking_up(blocks.look_up):
        night.check(settings)
    taxonomy(settings)


def _times(cron: str, timezone: str) -> Callable[[dt.datetime], dt.datetime]:
    """-> the first time of the cron after a given one. Raises PermanentError for a cron that is none."""
    from prefect.server.schemas.schedules import CronSchedule

    try:
        times = CronSchedule(cron=cron, timezone=timezone)
    except ValueError:
        raise PermanentError(f"flow.cron {cron!r} (timezone {timezone!r}) is not a cron such as '0 3 * * *'") from None

    def following(after: dt.datetime) -> dt.datetime:
        start = after + dt.timedelta(seconds=1)
        return asyncio.run(times.get_dates(1, start=start))[0]

    return following


def _watch(
    settings: Config,
    next_time: Callable[[dt.datetime], dt.datetime],
    allowed: dt.timedelta,
    stopping: threading.Event,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> None:
    """Tell of each night that is not done in time, once. Short waits: a machine may sleep, and a clock be set."""
    due = next_time(clock())
    while not stopping.wait(_POLL_SECONDS):
        now = clock()
        if now < due + allowed:
            continue
        try:
            line = overdue(settings.lake, due=due, allowed=allowed, now=now)
            if line is not None:
                log.warning("%s", line)
                _tell(settings, line)
        except Exception as error:
            log.warning("whether the night is late could not be told: %s", type(error).__name__)
        due = next_time(max(due, now - allowed))


def _tell(settings: Config, line: str) -> None:
    from cx_nlp_pipelines import blocks

    from cx_nlp.deliver import deliver
    from cx_nlp.sources import credentials

    with credentials.looking_up(blocks.look_up):
        deliver("cx-nlp: a night is late", line, settings.notify)


@contextlib.contextmanager
def server(port: int) -> Iterator[str]:
    """A Prefect server on the loopback interface for the time being; -> its API's address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PermanentError(
                f"port {port} is taken: choose another with --port, or set PREFECT_API_URL to use the server there"
            ) from None
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to this process alone, which still needs the server to leave in order.
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        try:
            _wait(process, f"http://{HOST}:{port}/api/health", said)
            yield f"http://{HOST}:{port}/api"
        finally:
            _stop(process)


def _wait(process: subprocess.Popen, health: str, said) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")
            raise PermanentError(f"Prefect's server ended with code {process.returncode}: {last[:200]}")
        with contextlib.suppress(OSError), opener.open(health, timeout=2):
            return
        time.sleep(_POLL_SECONDS)
    raise PermanentError(f"Prefect's server did not answer within {START_SECONDS:.0f} s")


def _stop(process: subprocess.Popen) -> None:
    """Ask it to end, then end it; its own children go with it."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_with_parent() -> None:
    """Linux sends SIGTERM to the server when this process is gone, however it went."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
