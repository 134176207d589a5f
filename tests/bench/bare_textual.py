"""An application of Textual with an empty screen: what the toolkit by itself takes to its first frame."""

from __future__ import annotations

from textual.app import App


class BareApp(App[None]):
    """Nothing but what Textual brings."""


if __name__ == "__main__":
    BareApp().run()
