"""A run as it goes, for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType

from ._program import STDERR_KEPT, Program, answer, not_started
from ._stream import CHUNK, GRACE
from ._transcript import Transcript, failure_of
from .errors import ClawError
from .result import RunResult
from .step import Step


class AsyncStream(AsyncIterator[Step]):
    """As :class:`Stream`, with ``async for`` and ``async with``, either of which begins the run."""

    def __init__(self, program: Program, arguments: list[str], task: str) -> None:
        self._program = program
        self._arguments = arguments
        self._task = task.encode("utf-8")
        self._transcript = Transcript(program)
        self._ready: deque[Step] = deque()
        self._result: RunResult | None = None
        self._at_end = False
        self._concluded = False
        self._stderr = bytearray()
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None

    @property
    def result(self) -> RunResult:
        """What came of the run, once it has ended."""
        if self._result is None:
            raise RuntimeError("the run has no result yet: take its steps to the last one")
        return self._result

    def cancel(self) -> None:
        """Asks the run to stop: its last steps still come, and its result is ``cancelled``."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.terminate()
            else:
                process.send_signal(signal.SIGINT)

    async def aclose(self) -> None:
        """Ends the run, if it still goes on, and waits until its process is gone. It has no result then."""
        self._at_end = self._concluded = True
        self._ready.clear()
        process, listener = self._process, self._listener
        if process is None:
            return
        try:
            self.cancel()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_ended(process), GRACE)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()
            self._process = None
            if listener is not None:
                await listener

    async def __anext__(self) -> Step:
        while not self._ready and not self._at_end:
            process = await self._started()
            assert process.stdout is not None
            data = await process.stdout.read(CHUNK)
            self._ready.extend(self._transcript.feed(data) if data else self._transcript.finish())
            self._at_end = not data
        if self._ready:
            return self._ready.popleft()
        if not self._concluded:
            await self._conclude()
        raise StopAsyncIteration

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None:
            return self._process
        process = await self._start(self._arguments, with_stdin=True)
        self._process = process
        self._listener = asyncio.ensure_future(self._listen(process))
        assert process.stdin is not None
        # One that has ended already says why on its standard error.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(self._task)
            await process.stdin.drain()
        process.stdin.close()
        return process

    async def _start(self, arguments: list[str], *, with_stdin: bool) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        stdin = pipe if with_stdin else asyncio.subprocess.DEVNULL
        try:
            return await asyncio.create_subprocess_exec(
                self._program.path(), *arguments, stdin=stdin, stdout=pipe, stderr=pipe, **self._program.options()
            )
        except OSError as error:
            not_started(error)

    async def _conclude(self) -> None:
        """What the end means: a result, or an error."""
        process, listener = self._process, self._listener
        assert process is not None and listener is not None
        exit_code = await process.wait()
        await listener
        self._concluded, self._process = True, None
        result = self._transcript.result()
        try:
            if result is not None and result._proposes:
                asked = await self._start(result._apply_arguments(["--dry-run"]), with_stdin=False)
                stdout, stderr = await asked.communicate()
                assert asked.returncode is not None
                result.diff = str(answer(asked.returncode, stdout, stderr)["diff"])
        except ClawError as error:
            error.result = result
            raise
        failed = failure_of(result, exit_code, bytes(self._stderr))
        if failed is not None:
            raise failed
        self._result = result

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while True:
            data = await process.stderr.read(CHUNK)
            if not data:
                return
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]

    async def __aenter__(self) -> AsyncStream:
        await self._started()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Waits for the end, taking what the process still has to say, so that it need not wait for a reader."""
    assert process.stdout is not None
    while await process.stdout.read(CHUNK):
        pass
    await process.wait()
