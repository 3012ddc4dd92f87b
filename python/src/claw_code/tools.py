"""What the agent may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tools:
    """The built-in tools, less what is denied.

    ``claw manifest`` lists them. What a turn denies is refused when the model asks for it, with a word to the model; it
    is not hidden from it. Denials add to those of the user's configuration and never loosen anything.
    """

    #: Rules in the language of ``permissions.deny``.
    denied: tuple[str, ...] = ()

    @classmethod
    def default(cls) -> Tools:
        """All built-in tools. What they may do unasked is for the permission mode and the user's rules to say."""
        return cls()

    def without(self, *rules: str) -> Tools:
        """The same tools, with these rules denied as well.

        A rule is ``tool`` or ``tool(pattern)``: ``shell``, ``shell(git push *)``, ``web_fetch``, ``web_search``,
        ``edit_file`` (which means every tool that edits), ``edit_file(migrations/**)``, ``read_file(secrets/**)``
        (whose files no tool then shows). Tools that only look around, such as ``search``, know no rules.
        """
        for rule in rules:
            if not isinstance(rule, str):
                raise TypeError(f"a rule is a string, as 'shell', and not {rule!r}")
        return Tools(self.denied + rules)
