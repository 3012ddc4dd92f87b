"""A run as it goes, for code that blocks."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import IO

from ._program import STDERR_KEPT, Program, not_started
from ._transcript import Transcript, failure_of
from .errors import ClawError
from .result import RunResult
from .step import Step

#: Seconds that ``claw`` has to end its turn after it was interrupted, before it is killed.
GRACE = 5.0

#: Bytes that are read at once.
CHUNK = 64 * 1024


class Stream(Iterator[Step]):
    """The steps of a run as they come, the streamed ones (``text``, ``reasoning``, ``tool_output``) among them.

    After the last step :attr:`result` is there; a run that failed raises instead. :meth:`close`, the end of a ``with``
    block and being dropped all end a run that still goes on.
    """

    def __init__(self, program: Program, arguments: list[str], task: str) -> None:
        self._program = program
        self._transcript = Transcript(program)
        self._ready: deque[Step] = deque()
        self._result: RunResult | None = None
        self._at_end = False
        self._concluded = False
        self._stderr = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        words = task.encode("utf-8")
        command = [program.path(), *arguments]
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, **program.options())
        except OSError as error:
            not_started(error)
        self._process = process
        # It is read all the time: a full pipe would hold up the program. The thread does not know the stream, which
        # could not be dropped otherwise.
        self._listener = threading.Thread(target=_listen, args=(process, self._stderr), name="claw stderr", daemon=True)
        self._listener.start()
        assert process.stdin is not None
        # One that has ended already says why on its standard error.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(words)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()

    @property
    def result(self) -> RunResult:
        """What came of the run, once it has ended."""
        if self._result is None:
            raise RuntimeError("the run has no result yet: take its steps to the last one")
        return self._result

    def cancel(self) -> None:
        """Asks the run to stop: its last steps still come, and its result is ``cancelled``. Any thread may call it."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        if sys.platform == "win32":
            process.terminate()
        else:
            process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """Ends the run, if it still goes on, and waits until its process is gone. It has no result then."""
        self._at_end = self._concluded = True
        self._ready.clear()
        process = self._process
        if process is None:
            return
        drain = threading.Thread(target=_drain, args=(process,), name="claw stdout", daemon=True)
        try:
            self.cancel()
            # What it still has to say is taken from it, so that it need not wait for a reader. An interpreter that ends
            # begins no threads.
            with contextlib.suppress(RuntimeError):
                drain.start()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            self._process = None
            self._release(process, drain)

    def __next__(self) -> Step:
        while not self._ready and not self._at_end:
            assert self._process is not None
            data = next(_chunks(self._process.stdout), b"")
            self._ready.extend(self._transcript.feed(data) if data else self._transcript.finish())
            self._at_end = not data
        if self._ready:
            return self._ready.popleft()
        if not self._concluded:
            self._conclude()
        raise StopIteration

    def _conclude(self) -> None:
        """What the end means: a result, or an error."""
        self._concluded = True
        process, self._process = self._process, None
        assert process is not None
        try:
            exit_code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            self._release(process)
        result = self._transcript.result()
        try:
            if result is not None and result._proposes:
                result.diff = str(self._program.ask(result._apply_arguments(["--dry-run"]))["diff"])
        except ClawError as error:
            error.result = result
            raise
        failed = failure_of(result, exit_code, bytes(self._stderr))
        if failed is not None:
            raise failed
        self._result = result

    def _release(self, process: subprocess.Popen[bytes], drain: threading.Thread | None = None) -> None:
        # A pipe that a thread still reads, because something else holds its other end, is left to that thread.
        for pipe, reader in ((process.stdout, drain), (process.stderr, self._listener)):
            if reader is not None and reader.ident is not None:
                reader.join(GRACE)
                if reader.is_alive():
                    continue
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Its start may have failed, and with it all of this.
        if getattr(self, "_process", None) is not None:
            self.close()


def _chunks(pipe: IO[bytes] | None) -> Iterator[bytes]:
    """What comes through a pipe, as it comes."""
    assert isinstance(pipe, io.BufferedReader)
    return iter(lambda: pipe.read1(CHUNK), b"")


def _listen(process: subprocess.Popen[bytes], said: bytearray) -> None:
    for data in _chunks(process.stderr):
        said += data
        del said[:-STDERR_KEPT]


def _drain(process: subprocess.Popen[bytes]) -> None:
    for _ in _chunks(process.stdout):
        pass
