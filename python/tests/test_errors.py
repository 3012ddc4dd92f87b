"""What goes wrong, and what is told of it."""

import asyncio
import os
import stat
import unittest

from support import GREETING, Case, says

from claw_code import Agent, ClawError, ClawNotFound, ClawUsageError, TurnFailed
from claw_code._program import Program, last_words
from claw_code._transcript import Transcript


class Errors(Case):
    def test_a_missing_program_is_named(self):
        env = {**self.env(), "CLAW_PROGRAM": None, "PATH": str(self.folder)}
        for agent, named in (
            (self.agent(env=env), "`claw`"),
            (self.agent(env={**env, "CLAW_PROGRAM": "/none/such"}), "/none/such"),
            (self.agent(program="/none/such/claw"), "/none/such/claw"),
        ):
            with self.assertRaises(ClawNotFound) as raised:
                agent.run("Go")
            self.assertIn(named, raised.exception.message)
            with self.assertRaises(ClawNotFound):
                asyncio.run(agent.run_async("Go"))

    def test_a_program_that_can_not_be_started_is_named(self):
        broken = self.folder / "broken"
        broken.write_bytes(b"\x7fELF no program")
        broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
        for run in (lambda agent: agent.run("Go"), lambda agent: asyncio.run(agent.run_async("Go"))):
            with self.assertRaises(ClawNotFound) as raised:
                run(self.agent(program=broken))
            self.assertIn("broken", raised.exception.message)

    def test_the_program_is_found_by_variable_and_along_the_path(self):
        claw = self.agent()._program.path()
        (self.folder / "bin").mkdir()
        os.symlink(claw, self.folder / "bin/claw")
        env = {**self.env(), "CLAW_PROGRAM": None, "PATH": str(self.folder / "bin")}
        self.assertEqual(self.agent(says("Hi."), env=env).run("Go").answer, "Hi.")
        self.assertEqual(Program(None, ".", {"CLAW_PROGRAM": claw}).path(), claw)

    def test_a_wrong_configuration_is_told_in_the_words_of_claw(self):
        self.configure("modell = 'm'\n")
        with self.assertRaises(ClawUsageError) as raised:
            self.agent(says("Hi.")).run("Go")
        self.assertEqual(raised.exception.exit_code, 2)
        self.assertRegex(raised.exception.message, r"config\.toml:1: .*modell.*`?model`?")
        self.assertIsNone(raised.exception.result)

    def test_wrong_values_are_told(self):
        for options, told in (
            ({"permission_mode": "yolo"}, "yolo"),
            ({"provider": "none-such"}, "none-such"),
            ({"max_steps": -1}, "--max-steps"),
            ({"session": "none-such"}, "none-such"),
            ({"workspace": self.folder / "none"}, "none"),
        ):
            agent = Agent(**{"workspace": self.project, "env": self.env(), **options})
            with self.assertRaises(ClawUsageError) as raised:
                agent.run("Go")
            self.assertIn(told, str(raised.exception), options)
        with self.assertRaises(ClawUsageError) as raised:
            self.agent(says("Hi.")).run("  ")
        self.assertIn("empty", raised.exception.message)

    def test_no_model_is_told_with_what_to_do(self):
        with self.assertRaises(ClawUsageError) as raised:
            self.agent().run("Go")
        self.assertIn("OPENAI_API_KEY", raised.exception.message)

    def test_a_failed_turn_has_its_message_and_its_result(self):
        refused = {"error": {"code": "auth", "message": "the key in MY_KEY is refused: put a valid one there"}}
        agent = self.agent(*GREETING[:2], refused)
        for run in (lambda: agent.run("Go"), lambda: asyncio.run(agent.run_async("Go"))):
            with self.assertRaises(TurnFailed) as raised:
                run()
            error = raised.exception
            self.assertEqual(error.message, "the key in MY_KEY is refused: put a valid one there")
            self.assertEqual((error.exit_code, error.result.status), (1, "failed"))
            self.assertIn("f'Hello {name}'", error.result.diff)
            self.assertEqual(error.result.trace[-1].type, "turn_end")

    def test_a_stream_gives_its_steps_before_it_fails(self):
        steps = self.agent({"error": {"code": "auth", "message": "No."}}).stream("Go")
        seen = []
        with self.assertRaises(TurnFailed):
            for step in steps:
                seen.append(step.type)
        self.assertEqual(seen[-1], "turn_end")

    def test_a_run_that_is_killed_is_no_result(self):
        steps = self.agent(says("Never said.", delay_ms=600_000)).stream("Go")
        next(steps)
        steps._process.kill()
        with self.assertRaises(ClawError) as raised:
            list(steps)
        self.assertEqual(raised.exception.exit_code, -9)


class Lines(unittest.TestCase):
    """What comes through the pipe, however it is cut."""

    def steps(self, *pieces):
        transcript = Transcript(Program(None, ".", None))
        steps = [step for piece in pieces for step in transcript.feed(piece)] + transcript.finish()
        return transcript, [(step.type, step.get("n")) for step in steps]

    def test_lines_may_be_cut_anywhere(self):
        text = '{"type":"steer","message":"ü","n":1}\n\n{"type":"steer","message":"👩","n":2}\r\n'.encode()
        for cut in range(len(text) + 1):
            _, steps = self.steps(text[:cut], text[cut:])
            self.assertEqual(steps, [("steer", 1), ("steer", 2)], cut)

    def test_types_that_are_not_known_are_kept(self):
        transcript, steps = self.steps(b'{"type":"dance","n":3}\n')
        self.assertEqual(steps, [("dance", 3)])
        self.assertEqual(transcript._trace[0].description, '{"n": 3}')

    def test_what_is_no_event_is_skipped_and_logged(self):
        junk = b'[1]\nnot json\n\xff\xfe\n{"n":1}\n{"type":7}\n{"type":"steer","message":"\xff","n":2}\n'
        with self.assertLogs("claw_code", "WARNING") as logged:
            _, steps = self.steps(junk)
        self.assertEqual(steps, [("steer", 2)])
        self.assertEqual(len(logged.records), 5)

    def test_a_torn_last_line_is_dropped(self):
        with self.assertLogs("claw_code", "WARNING"):
            _, steps = self.steps(b'{"type":"steer","n":1}\n{"type":"ste')
        self.assertEqual(steps, [("steer", 1)])
        _, steps = self.steps(b'{"type":"steer","n":1}')
        self.assertEqual(steps, [("steer", 1)])

    def test_the_last_words_are_those_of_claw(self):
        self.assertEqual(last_words("working\nclaw: first\n  second\n"), "first\n  second")
        self.assertEqual(last_words("error: no such flag\n\nUsage: claw\n"), "no such flag\n\nUsage: claw")
        self.assertEqual(last_words("thread panicked\nat line 1\n"), "thread panicked\nat line 1")
        self.assertEqual(last_words(""), "")


if __name__ == "__main__":
    unittest.main()
