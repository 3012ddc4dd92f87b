import unittest

from inkwell.slug import slugify, unique_slug


class SlugTest(unittest.TestCase):
    def test_words_are_joined_by_hyphens(self):
        self.assertEqual(slugify("hello world"), "hello-world")

    def test_accents_become_plain_letters(self):
        self.assertEqual(slugify("Crème brûlée"), "creme-brulee")

    def test_punctuation_makes_one_hyphen_and_none_at_the_ends(self):
        self.assertEqual(slugify("What? Again -- really!"), "what-again-really")

    def test_taken_slugs_get_a_number(self):
        self.assertEqual(unique_slug("Note", {"note", "note-2"}), "note-3")


if __name__ == "__main__":
    unittest.main()
