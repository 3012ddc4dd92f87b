"""The agent: what runs a task."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

from ._async import AsyncStream
from ._program import Program
from ._stream import Stream
from .result import RunResult
from .tools import Tools

#: Bytes of the longest task that ``claw`` reads.
MAX_TASK = 4 * 1024 * 1024


class Agent:
    """Runs tasks in a workspace. What is not given is for the user's configuration of ``claw`` to say.

    :param model: the model's name as its provider knows it.
    :param provider: ``openai`` (any endpoint that is compatible with it), ``openai-responses``, ``anthropic``,
        ``ollama`` or ``script``.
    :param base_url: where the provider is, down to the version: ``http://127.0.0.1:11434/v1``.
    :param effort: how much the model thinks: ``none``, ``minimal``, ``low``, ``medium``, ``high``, ``xhigh``, ``max``.
    :param script: plays the model's turns from this file, without any model.
    :param workspace: the folder to work in.
    :param tools: what the agent may use.
    :param permission_mode: how much may be done unasked: ``read-only``, ``ask`` or ``auto``. Nobody is asked in a run
        from Python, so in ``ask`` the answer to whatever needs one is no.
    :param max_steps: requests to the model that a turn may make.
    :param max_tokens: tokens, input and output together, that a turn may use.
    :param max_cost: US dollars that a turn may cost.
    :param timeout: seconds that a turn may take.
    :param session: a session to go on with in every run: an id, the start of one, or ``last``.
    :param continue_last: goes on with the last session of the workspace in every run.
    :param program: the ``claw`` program. Default: what ``CLAW_PROGRAM`` names, else ``claw`` along ``PATH``.
    :param env: environment variables over those of this process; ``None`` takes one away. A key goes here:
        ``{"CLAW_API_KEY": …}``.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        provider: str | None = None,
        base_url: str | None = None,
        effort: str | None = None,
        script: str | os.PathLike[str] | None = None,
        workspace: str | os.PathLike[str] = ".",
        tools: Tools | None = None,
        permission_mode: str | None = None,
        max_steps: int | None = None,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        timeout: float | None = None,
        session: str | None = None,
        continue_last: bool = False,
        program: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        if session is not None and continue_last:
            raise ValueError("`session` and `continue_last` name two sessions: give one of them")
        if tools is not None and not isinstance(tools, Tools):
            raise TypeError(f"`tools` are Tools.default(), or those without some, and not {tools!r}")
        named = None if program is None else os.fspath(program)
        self._program = Program(named, os.path.abspath(os.fspath(workspace)), env)
        self._session = session
        self._continue_last = continue_last
        self._flags = _flags(
            {
                "model": model,
                "provider": provider,
                "base-url": base_url,
                "effort": effort,
                "script": None if script is None else os.path.abspath(os.fspath(script)),
                "permission-mode": permission_mode,
                "max-steps": max_steps,
                "max-tokens": max_tokens,
                "max-cost": max_cost,
                # Whole seconds, and no fewer than were given.
                "timeout": None if timeout is None else math.ceil(timeout),
            }
        )
        self._flags += [f"--deny={rule}" for rule in (tools or Tools.default()).denied]

    def run(self, task: str, *, session: str | None = None, plan: bool = False) -> RunResult:
        """Runs a task to its end.

        :param session: goes on with this session, whatever the agent was made with: ``result.session``.
        :param plan: only looks, and answers with a plan.

        A turn that reached a limit or was cancelled is a result with that ``status``. One that failed is a
        :class:`TurnFailed`, wrong arguments or a wrong configuration a :class:`ClawUsageError`. Whatever else ends the
        run early, such as a Ctrl-C, ends the program with it.
        """
        with self.stream(task, session=session, plan=plan) as steps:
            for _ in steps:
                pass
            return steps.result

    def stream(self, task: str, *, session: str | None = None, plan: bool = False) -> Stream:
        """Begins a task and gives its steps as they come; what :meth:`run` raises it raises behind the last of them."""
        return Stream(self._program, self._arguments(task, session, plan), task)

    async def run_async(self, task: str, *, session: str | None = None, plan: bool = False) -> RunResult:
        """As :meth:`run`. Where the task of asyncio is cancelled, so is the run."""
        async with self.stream_async(task, session=session, plan=plan) as steps:
            async for _ in steps:
                pass
            return steps.result

    def stream_async(self, task: str, *, session: str | None = None, plan: bool = False) -> AsyncStream:
        """As :meth:`stream`, with ``async for``. Where not all steps are taken, use ``async with``."""
        return AsyncStream(self._program, self._arguments(task, session, plan), task)

    def _arguments(self, task: str, session: str | None, plan: bool) -> list[str]:
        if len(task.encode("utf-8")) > MAX_TASK:
            raise ValueError(f"the task is longer than {MAX_TASK} bytes: put it into a file, and name that")
        arguments = ["run", "--frontend=python", "--output=stream-json", "-C", self._program.workspace, *self._flags]
        session = session or self._session
        if session is not None:
            arguments.append(f"--session={session}")
        elif self._continue_last:
            arguments.append("--continue")
        if plan:
            arguments.append("--plan")
        # The task comes by standard input: there it may be long, begin with a dash, and is not listed with the process.
        return [*arguments, "-"]


def _flags(values: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items() if value is not None]
