"""Where the images of a training lie, as its data setting says."""

from __future__ import annotations

import posixpath

from gpumon.frameworks.file_view import FileView
from gpumon.frameworks.yaml_file import read_yaml
from gpumon.model.measure import Maybe, Missing
from gpumon.model.training import Setting, Training


def data_directory(training: Training, files: FileView) -> Maybe[str]:
    """Return the absolute path of the training images, in the training's view, or why it is not known.

    The setting is a directory, or a YAML file with `path` (the root, relative to where the training runs)
    and `train` (relative to the root; of a list the first).
    """
    setting, place = training.settings.data, training.command_directory
    for part in (setting, place):
        if isinstance(part, Missing):
            return part
    value = setting.value if isinstance(setting, Setting) else None
    if not isinstance(value, str) or not value or not isinstance(place, str):
        return Missing("the training names no data")
    named = posixpath.join(place, value)
    if not named.endswith((".yaml", ".yml")):
        return files.real_path(named)
    content = read_yaml(files, named)
    if isinstance(content, Missing):
        return Missing(f"{named}: {content.reason}")
    train, root = content.get("train"), content.get("path")
    first = train[0] if isinstance(train, list) and train else train
    if not isinstance(first, str):
        return Missing(f"{named} names no training images")
    return files.real_path(posixpath.join(place, root if isinstance(root, str) else "", first))
