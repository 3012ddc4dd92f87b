"""Claw, a coding agent, from Python.

    from claw_code import Agent

    result = Agent(model="qwen2.5-coder:7b", base_url="http://127.0.0.1:11434/v1").run("Add a --json flag")
    for step in result.trace:
        print(f"[{step.type}] {step.description}")
    print(result.diff)
    result.apply()

The work is done by the ``claw`` program, which this package starts and listens to. Nothing is written to the
workspace before :meth:`RunResult.apply`.
"""

from ._async import AsyncStream
from ._stream import Stream
from .agent import Agent
from .errors import ApplyError, ClawError, ClawNotFound, ClawUsageError, TurnFailed
from .proposal import Hunk, ProposedFile
from .result import Applied, RunResult, Skipped, Usage
from .step import Step
from .tools import Tools

__all__ = [
    "Agent",
    "Applied",
    "ApplyError",
    "AsyncStream",
    "ClawError",
    "ClawNotFound",
    "ClawUsageError",
    "Hunk",
    "ProposedFile",
    "RunResult",
    "Skipped",
    "Step",
    "Stream",
    "Tools",
    "TurnFailed",
    "Usage",
]

__version__ = "0.1.0"
