"""The stylesheet of the dashboard: nothing in it is parsed twice."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class ParsedOnce(Stylesheet):
    """A stylesheet that keeps what it has parsed until a variable has another value.

    Before the first frame Textual asks four times for all of it to be parsed anew, as it sets the same theme
    in several ways: 20 ms on a slow core.
    """

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._values = variables

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the values of a theme; what was parsed stays where they are the same as before."""
        if variables != self._values:
            self._values = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what is not parsed with these values yet; where it has an error all stays as it was."""
        self.parse()
