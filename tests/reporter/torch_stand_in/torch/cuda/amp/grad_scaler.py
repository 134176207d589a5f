"""The older place of the scaler: the class itself before torch 2.3, a subclass of it later."""

from __future__ import annotations

import os
from typing import Any

import torch.amp.grad_scaler as newer

if os.environ.get("TORCH_STAND_IN") == "1.12":

    class GradScaler:
        """The class itself; torch.amp has none then."""

        def __init__(self, enabled: bool = True) -> None:
            self._enabled = enabled
            self.found_inf = False

        def is_enabled(self) -> bool:
            """Tell whether it scales at all."""
            return self._enabled

        def step(self, optimizer: Any) -> Any:
            """Step, or not."""
            return None if self._enabled and self.found_inf else optimizer.step()

else:
    GradScaler = type("GradScaler", (newer.GradScaler,), {})  # type: ignore[assignment, misc]
