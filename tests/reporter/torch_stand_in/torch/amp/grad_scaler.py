"""A scaler that skips the steps it is told to."""

from __future__ import annotations

from typing import Any


class GradScaler:
    """Steps an optimizer unless `found_inf` is set; a fused optimizer is always called."""

    def __init__(self, enabled: bool = True) -> None:
        self._enabled = enabled
        self.found_inf = False

    def is_enabled(self) -> bool:
        """Tell whether it scales at all."""
        return self._enabled

    def step(self, optimizer: Any) -> Any:
        """Step, or not."""
        if self._enabled and self.found_inf and not getattr(optimizer, "_step_supports_amp_scaling", False):
            return None
        return optimizer.step()
