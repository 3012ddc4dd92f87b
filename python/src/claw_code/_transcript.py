"""From the bytes that ``claw run --output stream-json`` prints to steps, and at their end to a result.

Nothing here starts or waits for a process: the blocking and the asynchronous stream both feed it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from ._program import Program, failure
from .errors import ClawError, ClawUsageError, TurnFailed
from .proposal import files_of
from .result import RunResult, Usage
from .step import Step

logger = logging.getLogger("claw_code")

#: How a turn ends, and the exit code of a program that says so.
EXIT_CODES = {"done": 0, "limit": 3, "cancelled": 130}

#: Error events that are notices: the turn goes on, and nothing went wrong.
NOTICES = frozenset({"cost_unknown", "no_tools"})


class Transcript:
    """The steps of a run so far."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._rest = bytearray()
        self._trace: list[Step] = []

    def feed(self, data: bytes) -> list[Step]:
        """The steps whose lines end in ``data``."""
        *lines, rest = data.split(b"\n")
        if not lines:
            self._rest += rest
            return []
        lines[0] = bytes(self._rest) + lines[0]
        self._rest = bytearray(rest)
        return self._steps(lines)

    def finish(self) -> list[Step]:
        """The step of a last line that has no end; one that is torn is dropped, as of a trace file."""
        line, self._rest = bytes(self._rest), bytearray()
        return self._steps([line])

    def result(self) -> RunResult | None:
        """What came of the turn; ``None`` where it has not ended."""
        end = next((step for step in reversed(self._trace) if step.type == "turn_end"), None)
        if end is None:
            return None
        status = str(end.get("status", ""))
        proposal: Mapping[str, Any] = next((step for step in reversed(self._trace) if step.type == "proposal"), {})
        return RunResult(
            program=self._program,
            session=str(end.get("session", "")),
            status=status,
            answer=str(end.get("answer") or ""),
            trace=self._trace,
            files=files_of(proposal),
            usage=Usage.of(end.get("usage") or {}),
            cost=end.get("cost"),
            error=self._error() if status != "done" else None,
        )

    def _error(self) -> str | None:
        errors = (step for step in reversed(self._trace) if step.type == "error")
        return next((str(error.get("message", "")) for error in errors if error.get("code") not in NOTICES), None)

    def _steps(self, lines: list[bytes]) -> list[Step]:
        """What is no JSON object with a ``type`` is skipped, and logged as a warning of ``claw_code``."""
        steps = []
        for line in filter(bytes.strip, lines):
            try:
                fields = json.loads(line.decode("utf-8", "replace"))
            except ValueError:
                fields = None
            if isinstance(fields, dict) and isinstance(fields.get("type"), str):
                steps.append(Step(fields))
            else:
                logger.warning("claw printed a line that is no event: %r", line[:200])
        self._trace.extend(step for step in steps if not step.is_streamed)
        return steps


def failure_of(result: RunResult | None, exit_code: int, stderr: bytes) -> ClawError | None:
    """The error that a run ended with, if it did."""
    if result is not None and EXIT_CODES.get(result.status) == exit_code:
        return None
    error = failure(exit_code, stderr)
    if result is None:
        if exit_code == 0:
            error = ClawError("claw ended without ending its turn", exit_code=0, stderr=error.stderr)
        return error
    kind = type(error)
    if result.status == "failed" and kind is not ClawUsageError:
        kind = TurnFailed
    return kind(result.error or error.message, exit_code=exit_code, stderr=error.stderr, result=result)
