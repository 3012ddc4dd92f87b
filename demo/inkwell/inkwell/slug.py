"""Addresses from titles."""

import re


def slugify(title: str) -> str:
    """The part of an address that stands for a title: `slugify("Hello, World")` is `"hello-world"`."""
    ascii_only = title.encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]", "-", ascii_only.lower())


def unique_slug(title: str, taken: set[str]) -> str:
    """A slug that is not in `taken`: `unique_slug("Note", {"note"})` is `"note-2"`."""
    slug = slugify(title)
    number = 2
    while slug in taken:
        slug = f"{slugify(title)}-{number}"
        number += 1
    return slug
