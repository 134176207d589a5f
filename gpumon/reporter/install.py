"""Putting the reporter into this interpreter, before the training's first line runs."""

from __future__ import annotations

import sys

from .after_import import AfterImport, run  # noqa: TID252 - inside a training this package has another name
from .report import Report  # noqa: TID252

TYPE_CHECKING = False  # `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from types import ModuleType

    from .after_import import Action  # noqa: TID252


def install() -> Report:
    """Make the report, so that gpumon sees that a reporter is here, and watch what is imported from now on.

    What has been imported already (by a `sitecustomize` of the training's own) is watched at once.
    Raises nothing.
    """
    report = Report()

    # Imported with torch only: most Pythons that a training starts are no trainings, and start the sooner.
    def loaders(module: ModuleType) -> None:
        from .cuda import CudaMemory  # noqa: TID252
        from .loaders import watch_loaders  # noqa: TID252

        report.on_beat.append(CudaMemory(report))
        watch_loaders(module, report)

    def optimizers(module: ModuleType) -> None:
        from .steps import watch_optimizers  # noqa: TID252

        watch_optimizers(module, report)

    def scalers(module: ModuleType) -> None:
        from .steps import watch_scalers  # noqa: TID252

        watch_scalers(module, report)

    actions: dict[str, Action] = {
        "torch.utils.data.dataloader": loaders,
        "torch.optim.optimizer": optimizers,
        "torch.amp.grad_scaler": scalers,
        "torch.cuda.amp.grad_scaler": scalers,
    }
    try:
        report.open()
        for name in [name for name in actions if name in sys.modules]:
            run(actions.pop(name), sys.modules[name], report.give_up)
        sys.meta_path.insert(0, AfterImport(actions, report.give_up))
    except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
        report.give_up(error)
    return report
