"""Steps as they come, and runs that end early."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from support import GREETING, TYPES, Case, calls, says

#: A model that would take ten minutes.
SLOW = says("Never said.", delay_ms=600_000)

#: Seconds after which something hangs.
SOON = 20


def is_gone(pid):
    """Whether no process has this id, waited for or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class Streams(Case):
    def test_steps_come_one_by_one_and_the_streamed_ones_too(self):
        steps = self.agent(*GREETING).stream("Use an f-string")
        seen = list(steps)
        self.assertLessEqual(set(self.types(seen)), TYPES)
        self.assertIn("text", self.types(seen))
        self.assertEqual([step for step in seen if not step.is_streamed], steps.result.trace)
        self.assertEqual(steps.result.answer, "It uses an f-string now.")
        self.assertIn("f'Hello {name}'", steps.result.diff)
        self.assertEqual(list(steps), [])

    def test_a_step_is_there_before_the_run_has_ended(self):
        with self.agent(SLOW).stream("Go") as steps:
            self.assertEqual(next(steps).type, "turn_start")
            with self.assertRaises(RuntimeError):
                _ = steps.result

    def test_leaving_ends_the_process(self):
        agent = self.agent(SLOW)
        with agent.stream("Go") as steps:
            next(steps)
            inside = steps._process.pid
        self.assertTrue(is_gone(inside))
        self.assertEqual(list(steps), [])

        closed = agent.stream("Go")
        next(closed)
        pid = closed._process.pid
        closed.close()
        closed.close()
        self.assertTrue(is_gone(pid))

        dropped = agent.stream("Go")
        next(dropped)
        pid = dropped._process.pid
        del dropped
        gc.collect()
        self.assertTrue(is_gone(pid))

    def test_a_closed_run_has_put_its_session_in_order(self):
        steps = self.agent(SLOW).stream("Go")
        session = next(steps)["session"]
        while next(steps).type != "model_request":
            pass
        steps.close()
        trace = (self.folder / "state/sessions" / session / "trace.jsonl").read_text(encoding="utf-8")
        self.assertIn('"status":"cancelled"', trace.splitlines()[-1])

    def test_a_cancelled_run_has_a_result(self):
        for from_outside in (False, True):
            with self.agent(calls(("list_files", {})), SLOW).stream("Go") as steps:
                while next(steps).type != "tool_result":
                    pass
                if from_outside:
                    threading.Timer(0.2, steps.cancel).start()
                else:
                    steps.cancel()
                self.assertEqual([step.type for step in steps][-1], "turn_end")
                self.assertEqual(steps.result.status, "cancelled")

    def test_what_is_not_read_holds_nothing_up(self):
        """A reader that is slow or gone must not make `claw` wait for it when it is told to stop."""
        text = "".join(f"word {number} " for number in range(60_000))
        steps = self.agent(says(text), SLOW).stream("Go")
        next(steps)
        time.sleep(0.5)
        began = time.monotonic()
        steps.close()
        self.assertLess(time.monotonic() - began, SOON)

    def test_much_on_standard_error_holds_nothing_up(self):
        env = {**self.env(), "CLAW_LOG": "trace"}
        result = self.agent(*GREETING, env=env).run("Use an f-string")
        self.assertEqual(result.status, "done")

    def test_an_interrupt_ends_the_run(self):
        """Ctrl-C while a run goes on: the child is gone before the exception is seen."""
        script = self.script(SLOW)
        program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parent.parent / "src")!r})
from claw_code import Agent
steps = Agent(script={str(script)!r}, workspace={str(self.project)!r}).stream("Go")
try:
    with steps:
        print(steps._process.pid, flush=True)
        for step in steps:
            print(step.type, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
        env = {**os.environ, **{name: value for name, value in self.env().items() if value is not None}}
        child = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, env=env, encoding="utf-8", start_new_session=True
        )
        with child:
            pid = int(child.stdout.readline())
            while child.stdout.readline().strip() != "model_request":
                pass
            os.killpg(child.pid, signal.SIGINT)
            self.assertEqual(child.stdout.read().split()[-1], "interrupted")
        self.assertTrue(is_gone(pid))


class AsyncStreams(Case):
    def test_a_run(self):
        result = asyncio.run(self.agent(*GREETING).run_async("Use an f-string"))
        self.assertEqual(result.answer, "It uses an f-string now.")
        self.assertIn("f'Hello {name}'", result.diff)

    def test_runs_side_by_side(self):
        agent = self.agent(says("Hi.", delay_ms=100))

        async def both():
            return await asyncio.gather(*(agent.run_async(task) for task in ("One", "Two", "Three")))

        results = asyncio.run(both())
        self.assertEqual([result.trace[0]["task"] for result in results], ["One", "Two", "Three"])
        self.assertEqual(len({result.session for result in results}), 3)

    def test_a_task_that_is_cancelled_ends_the_process(self):
        agent = self.agent(SLOW)

        async def give_up():
            steps = agent.stream_async("Go")
            seen = []

            async def read():
                async with steps:
                    async for step in steps:
                        seen.append(step)

            reading = asyncio.ensure_future(read())
            while not seen:
                await asyncio.sleep(0.01)
            pid = steps._process.pid
            reading.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await reading
            return pid

        self.assertTrue(is_gone(asyncio.run(asyncio.wait_for(give_up(), SOON))))

    def test_a_cancelled_run_has_a_result(self):
        async def cancel():
            async with self.agent(SLOW).stream_async("Go") as steps:
                async for step in steps:
                    if step.type == "model_request":
                        steps.cancel()
                return steps.result

        self.assertEqual(asyncio.run(asyncio.wait_for(cancel(), SOON)).status, "cancelled")


if __name__ == "__main__":
    unittest.main()
