"""Runs from their start to their end, and what is applied of them."""

import json
import subprocess
import unittest

from support import GREET, GREETING, TYPES, Case, calls, edit, says, write

from claw_code import Agent, ApplyError, ClawUsageError, Tools, TurnFailed


class Runs(Case):
    def test_a_run_answers_shows_a_diff_and_writes_nothing(self):
        result = self.agent(*GREETING, tools=Tools.default()).run("Use an f-string")
        self.assertEqual(result.status, "done")
        self.assertEqual(result.answer, "It uses an f-string now.")
        self.assertIn("--- a/greet.py\n+++ b/greet.py\n", result.diff)
        self.assertIn("\n-    return 'Hello ' + name\n+    return f'Hello {name}'\n", result.diff)
        self.assertIsNone(result.error)
        self.assertGreater(result.usage.input, 0)
        self.assertEqual(self.read("greet.py"), GREET)

    def test_the_trace_is_the_one_that_claw_keeps(self):
        result = self.agent(*GREETING).run("Use an f-string")
        kept = self.folder / "state/sessions" / result.session / "trace.jsonl"
        lines = kept.read_text(encoding="utf-8").splitlines()
        self.assertEqual([dict(step) for step in result.trace], [json.loads(line) for line in lines])
        self.assertLessEqual(set(self.types(result.trace)), TYPES)
        self.assertEqual(self.types(result.trace)[0], "turn_start")
        self.assertEqual(self.types(result.trace)[-1], "turn_end")
        start, call = result.trace[0], next(step for step in result.trace if step.type == "tool_call")
        self.assertEqual(start["frontend"], "python")
        self.assertEqual(start.description, "Use an f-string")
        self.assertEqual((call["tool"], call.description), ("read_file", "read_file greet.py"))

    def test_the_diff_is_the_one_of_the_command_line(self):
        turns = (
            calls(
                edit("greet.py", "'Hello ' + name", "f'Hello {name}'"),
                write("docs/new.txt", "new\nwithout end"),
                ("move_file", {"from": "old.txt", "to": "sub/moved.txt"}),
            ),
            says("Done."),
        )
        self.write("old.txt", "1\n2\n")
        agent = self.agent(*turns)
        diff = agent.run("Do three things").diff
        command = [agent._program.path(), "run", "--output=json", f"--script={self.folder / 'turns.jsonl'}", "Go"]
        ran = subprocess.run(command, cwd=self.project, env=agent._program.environment(), capture_output=True)
        self.assertEqual(diff, json.loads(ran.stdout)["diff"])

    def test_what_needs_no_change_has_no_diff(self):
        result = self.agent(says("Nothing to do.")).run("Look")
        self.assertEqual((result.diff, result.files, result.apply().files), ("", (), ()))

    def test_tasks_of_any_text_arrive_whole(self):
        for task in ("--apply", "Grüße 👩‍👧 und\n  zwei Zeilen", "x" * 300_000):
            result = self.agent(says("Ja: ünï 👩‍👧\u2028.")).run(task)
            self.assertEqual(result.trace[0]["task"], task)
            self.assertEqual(result.answer, "Ja: ünï 👩‍👧\u2028.")
        with self.assertRaises(ValueError):
            self.agent(says("No.")).run("x" * (4 * 1024 * 1024 + 1))

    def test_a_limit_is_a_result(self):
        turns = (calls(("list_files", {})), calls(("read_file", {"path": "greet.py"})), says("Never said."))
        result = self.agent(*turns, max_steps=2).run("Go")
        self.assertEqual(result.status, "limit")
        self.assertIn("2", result.error)
        slow = self.agent(says("Never said.", delay_ms=60_000), timeout=0.5).run("Go")
        self.assertEqual(slow.status, "limit")

    def test_a_plan_changes_nothing(self):
        result = self.agent(says("1. Use an f-string.")).run("Greet better", plan=True)
        self.assertEqual(result.trace[0]["mode"], "plan")
        self.assertEqual(result.answer, "1. Use an f-string.")

    def test_options_reach_claw(self):
        start = self.agent(says("Hi."), permission_mode="read-only").run("Go").trace[0]
        told = [start[name] for name in ("provider", "permission_mode", "workspace")]
        self.assertEqual(told, ["script", "read-only", str(self.project)])

    def test_a_model_is_asked_where_and_by_the_name_that_is_given(self):
        agent = self.agent(model="m-1", provider="openai", base_url="http://127.0.0.1:1/v1", max_cost=0.5)
        with self.assertRaises(TurnFailed) as raised:
            agent.run("Go")
        self.assertIn("http://127.0.0.1:1/v1", raised.exception.message)
        start = raised.exception.result.trace[0]
        self.assertEqual((start["model"], start["provider"], start["limits"]["cost"]), ("m-1", "openai", 0.5))

    def test_what_is_denied_is_refused_with_the_rule(self):
        turns = (calls(write("a.txt", "a")), calls(write("b/c.txt", "c")), says("So be it."))
        result = self.agent(*turns, tools=Tools.default().without("edit_file(b/**)", "shell")).run("Go")
        refused = [step for step in result.trace if step.type == "permission"]
        self.assertEqual([(step["decision"], step["rule"]) for step in refused], [("deny", "edit_file(b/**)")])
        self.assertEqual([file.path for file in result.files], ["a.txt"])

    def test_denials_add_to_the_users_own(self):
        self.configure('[permissions]\ndeny = ["edit_file(a.txt)"]\n')
        turns = (calls(write("a.txt", "a"), write("b.txt", "b")), says("So be it."))
        result = self.agent(*turns, tools=Tools.default().without("edit_file(b.txt)")).run("Go")
        self.assertEqual(result.files, ())

    def test_a_rule_that_can_not_be_read_is_an_error(self):
        with self.assertRaises(ClawUsageError) as raised:
            self.agent(says("Hi."), tools=Tools.default().without("shell(")).run("Go")
        self.assertIn("shell(", raised.exception.message)

    def test_arguments_that_can_not_be_meant(self):
        with self.assertRaises(ValueError):
            Agent(session="last", continue_last=True)
        with self.assertRaises(TypeError):
            Agent(tools=["shell"])
        with self.assertRaises(TypeError):
            Tools.default().without(["shell"])


class Applies(Case):
    def test_apply_writes_what_the_diff_shows(self):
        self.write("gone.txt", "gone\n")
        turns = (
            calls(
                edit("greet.py", "'Hello ' + name", "f'Hello {name}'"),
                write("ünï/neu.txt", "grüß\r\n"),
                ("delete_file", {"path": "gone.txt"}),
            ),
            says("Done."),
        )
        result = self.agent(*turns).run("Do it")
        applied = result.apply()
        self.assertEqual(sorted(applied.files), ["gone.txt", "greet.py", "ünï/neu.txt"])
        self.assertEqual(applied.skipped, ())
        self.assertEqual(self.read("greet.py"), GREET.replace("'Hello ' + name", "f'Hello {name}'"))
        self.assertEqual(self.read("ünï/neu.txt"), "grüß\r\n")
        self.assertFalse((self.project / "gone.txt").exists())
        self.assertEqual(result.apply().files, (), "there is nothing left to write")

    def test_an_empty_file_is_made_too(self):
        result = self.agent(calls(write("pkg/__init__.py", "")), says("Done.")).run("Make a package")
        self.assertEqual(result.apply().files, ("pkg/__init__.py",))
        self.assertEqual(self.read("pkg/__init__.py"), "")

    def test_apply_leaves_protected_paths_until_they_are_named(self):
        turns = (calls(write("a.txt", "a\n"), write(".vscode/tasks.json", "{}\n")), says("Done."))
        result = self.agent(*turns).run("Do it")
        applied = result.apply()
        self.assertEqual(applied.files, ("a.txt",))
        self.assertEqual([skipped.path for skipped in applied.skipped], [".vscode/tasks.json"])
        self.assertIn("protected", applied.skipped[0].reason)
        self.assertFalse((self.project / ".vscode").exists())
        with self.assertRaises(ApplyError) as raised:
            result.apply()
        self.assertIn(".vscode/tasks.json", raised.exception.message)
        careful = [hunk for hunk in result.hunks if hunk.needs_own_yes]
        self.assertEqual(result.apply(careful).files, (".vscode/tasks.json",))
        self.assertEqual(self.read(".vscode/tasks.json"), "{}\n")

    def test_some_hunks_may_be_taken(self):
        result = self.agent(calls(write("a.txt", "a\n"), write("b.txt", "b\n")), says("Done.")).run("Do it")
        second = next(file for file in result.files if file.path == "b.txt")
        self.assertEqual(result.apply(second.hunks).files, ("b.txt",))
        self.assertEqual(result.apply([]).files, ())
        self.assertFalse((self.project / "a.txt").exists())
        with self.assertRaises(ApplyError):
            result.apply(["none-such"])

    def test_apply_never_overwrites_what_was_changed_meanwhile(self):
        result = self.agent(*GREETING).run("Use an f-string")
        self.write("greet.py", "def greet(name):\n    return 'Hi ' + name\n")
        with self.assertRaises(ApplyError) as raised:
            result.apply()
        self.assertIn("changed meanwhile", raised.exception.message)
        self.assertEqual(self.read("greet.py"), "def greet(name):\n    return 'Hi ' + name\n")

    def test_a_session_goes_on(self):
        first = self.agent(*GREETING).run("Use an f-string")
        first.apply()
        # A script plays a session's turns from its first line, so what was said stands before what comes.
        turns = (*GREETING, calls(edit("greet.py", "Hello", "Hi")), says("Shorter."))
        agent = self.agent(*turns)
        second = agent.run("Shorter", session=first.session)
        self.assertEqual(second.session, first.session)
        self.assertEqual(second.answer, "Shorter.")
        self.assertIn("+    return f'Hi {name}'", second.diff)
        self.assertNotIn("+ name", second.diff, "what was applied is proposed no more")
        self.assertEqual(second.apply().files, ("greet.py",))
        third = self.agent(*turns, says("Done already."), continue_last=True).run("And now?")
        self.assertEqual((third.session, third.answer), (first.session, "Done already."))

    def test_a_session_is_not_applied_in_another_folder(self):
        result = self.agent(*GREETING).run("Use an f-string")
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        other = Agent(workspace=elsewhere, env=self.env())
        result._program = other._program
        with self.assertRaises(ClawUsageError) as raised:
            result.apply()
        self.assertIn(str(self.project), raised.exception.message)


if __name__ == "__main__":
    unittest.main()
