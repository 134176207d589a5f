"""Watching optimizers: their steps, and those that a GradScaler skips."""

from __future__ import annotations

import functools
import sys

from . import wire  # noqa: TID252 - inside a training this package has another name

TYPE_CHECKING = False  # `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .report import Report  # noqa: TID252


def watch_optimizers(module: ModuleType, report: Report) -> None:
    """Count the steps of every optimizer; `module` is torch.optim.optimizer."""
    register = getattr(module, "register_optimizer_step_post_hook", None)
    if register is not None:  # torch 2.0 and later

        def count(*_: Any) -> None:
            _count_step(report)

        report.hooked(wire.HOOK_OPTIMIZER, register(count).remove)
    else:
        _wrap_steps(module, report)


def _wrap_steps(module: ModuleType, report: Report) -> None:
    """Wrap the `step` of each class of optimizers when the first one of it is made."""
    optimizer_class: Any = module.Optimizer
    original = optimizer_class.__init__

    @functools.wraps(original)
    def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807 - it takes its place
        original(self, *arguments, **keywords)
        step = type(self).step
        if not hasattr(step, "_gpumon_counted"):
            type(self).step = _counted(step, report)

    def undo() -> None:
        # What others have put around this method since then stays.
        if optimizer_class.__init__ is __init__:
            optimizer_class.__init__ = original

    optimizer_class.__init__ = __init__
    report.hooked(wire.HOOK_OPTIMIZER, undo)


def _counted(step: Any, report: Report) -> Any:
    @functools.wraps(step)
    def counted(self: Any, *arguments: Any, **keywords: Any) -> Any:
        result = step(self, *arguments, **keywords)
        _count_step(report)
        return result

    counted.__dict__["_gpumon_counted"] = True
    return counted


def _count_step(report: Report) -> None:
    try:
        if report.is_over:
            return
        report.optimizer_steps += 1
        report.put(wire.OPTIMIZER_STEPS, report.optimizer_steps)
        if report.last is not None:
            report.last.stepped()
    except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
        report.give_up(error)


def watch_scalers(module: ModuleType, report: Report) -> None:
    """Count the steps that GradScalers skip for a gradient that is not finite.

    `module` is torch.amp.grad_scaler, or torch.cuda.amp.grad_scaler before torch 2.3 (later it holds a
    subclass only). The GPU is not asked: a scaler waits for it anyway before it calls the optimizer, or
    leaves the decision to a fused optimizer, whose steps are then told apart.
    """
    scaler_class: Any = module.GradScaler
    original = vars(scaler_class).get("step")
    if original is None:
        return

    @functools.wraps(original)
    def step(self: Any, optimizer: Any, *arguments: Any, **keywords: Any) -> Any:
        before = report.optimizer_steps
        result = original(self, optimizer, *arguments, **keywords)
        _count_scaler_step(report, self, optimizer, before)
        return result

    def undo() -> None:
        if scaler_class.step is step:
            scaler_class.step = original

    scaler_class.step = step
    report.hooked(wire.HOOK_SCALER, undo)


def _count_scaler_step(report: Report, scaler: Any, optimizer: Any, steps_before: int) -> None:
    try:
        if report.is_over:
            return
        base = getattr(sys.modules.get("torch.optim.optimizer"), "Optimizer", None)
        if base is None or not isinstance(optimizer, base) or not scaler.is_enabled():
            return
        report.scaler_steps += 1
        report.put(wire.SCALER_STEPS, report.scaler_steps)
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            report.fused_scaler_steps += 1
            report.put(wire.FUSED_SCALER_STEPS, report.fused_scaler_steps)
        elif report.optimizer_steps == steps_before:
            report.scaler_skips += 1
            report.put(wire.SCALER_SKIPS, report.scaler_skips)
    except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
        report.give_up(error)
