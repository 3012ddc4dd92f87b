"""Descriptions in the words of the Rust library.

`descriptions.jsonl` holds events, each with its description. A test of the Rust library reads the same file, so that
the two can not drift apart.
"""

import json
import unittest
from pathlib import Path

from support import TYPES

from claw_code import Step


class Describes(unittest.TestCase):
    def test_the_words_are_those_of_the_rust_library(self):
        lines = Path(__file__).with_name("descriptions.jsonl").read_text(encoding="utf-8").splitlines()
        seen = set()
        for line in lines:
            told = json.loads(line)
            step = Step(told["event"])
            self.assertEqual(step.description, told["description"], line)
            seen.add(step.type)
        self.assertEqual(seen, TYPES)

    def test_an_event_of_another_shape_is_told_by_its_fields(self):
        step = Step({"v": 2, "type": "tool_call", "seq": 1, "name": "read_file"})
        self.assertEqual(step.description, '{"name": "read_file"}')
        self.assertEqual(Step({"type": "plan", "items": None}).description, '{"items": null}')
        self.assertEqual(Step({"type": "rest"}).description, "")

    def test_a_step_is_a_mapping_of_its_fields(self):
        step = Step({"type": "steer", "seq": 4, "message": "Go\non"})
        self.assertEqual((step["seq"], step.get("none"), len(step), dict(step)["message"]), (4, None, 3, "Go\non"))
        self.assertEqual((step.raw["message"], repr(step)), ("Go\non", "<Step steer: Go on>"))


if __name__ == "__main__":
    unittest.main()
