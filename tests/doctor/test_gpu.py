"""The driver in every state, and what each GPU answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.doctor.check import Check, State
from gpumon.doctor.checks.gpu import ESSENTIAL, OPTIONAL, gpu_checks
from gpumon.doctor.facts import Facts
from gpumon.model.gpu import DriverReading, DriverState, GpuProcess, GpuReading, GpuState
from gpumon.model.measure import Missing
from tests.doctor.scene import ANN_RIGHTS, FACTS, GPU, SYSTEM, by_id, commands

NOT_SUPPORTED = Missing("not supported by this GPU")
CONTAINER = replace(ANN_RIGHTS, container="docker")
ALL_GPUS = "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility ..."
WITHOUT_MODULE = replace(SYSTEM, nvidia_module="")


def _driver(state: DriverState, text: str = "why", **changes: Any) -> Check:
    facts = replace(FACTS, driver=DriverReading(state, text), gpus=(), **changes)
    return by_id(gpu_checks(facts))["gpu.driver"]


def _gpu(**fields: Any) -> dict[str, Check]:
    return by_id(gpu_checks(replace(FACTS, gpus=(replace(GPU, **fields),))))


def test_a_driver_that_answers_is_named() -> None:
    """Its version and CUDA's are what others ask for first."""
    check = by_id(gpu_checks(FACTS))["gpu.driver"]

    assert (State.OK, "550.54, CUDA 12.4") == (check.state, check.text)


def test_wsl_is_a_note() -> None:
    """What Windows' driver does not tell is said, and nothing can be done about it."""
    driver = DriverReading(
        DriverState.OK, "WSL: the driver does not tell memory per process", "550.54", "12.4"
    )
    check = by_id(gpu_checks(replace(FACTS, driver=driver)))["gpu.driver"]

    assert (State.NOTE, ()) == (check.state, check.remedies)


REMEDIES: list[tuple[str, DriverState, dict[str, Any], str]] = [
    ("absent", DriverState.ABSENT, {"system": WITHOUT_MODULE}, "sudo ubuntu-drivers install"),
    ("absent-module", DriverState.ABSENT, {}, "sudo find / -name libnvidia-ml.so.1; sudo ldconfig"),
    ("absent-container", DriverState.ABSENT, {"rights": CONTAINER}, ALL_GPUS),
    (
        "absent-wsl",
        DriverState.ABSENT,
        {"system": replace(SYSTEM, is_wsl=True)},
        'export LD_LIBRARY_PATH="/usr/lib/wsl/lib:$LD_LIBRARY_PATH"',
    ),
    ("not-loaded", DriverState.NOT_LOADED, {}, "sudo modprobe nvidia"),
    ("mismatched", DriverState.MISMATCHED, {}, "sudo reboot"),
    (
        "no-permission",
        DriverState.NO_PERMISSION,
        {},
        'sudo usermod -aG "$(stat -c %G /dev/nvidia0)" "$USER"',
    ),
    ("no-permission-container", DriverState.NO_PERMISSION, {"rights": CONTAINER}, ALL_GPUS),
    ("no-gpus", DriverState.NO_GPUS, {}, "sudo dmesg | grep -i -e nvrm -e xid | tail"),
    ("no-gpus-container", DriverState.NO_GPUS, {"rights": CONTAINER}, ALL_GPUS),
    ("failed", DriverState.FAILED, {}, "sudo dmesg | grep -i -e nvrm -e xid | tail"),
]


@pytest.mark.parametrize(
    ("state", "changes", "command"), [row[1:] for row in REMEDIES], ids=[row[0] for row in REMEDIES]
)
def test_each_state_of_the_driver_has_its_command(
    state: DriverState, changes: dict[str, Any], command: str
) -> None:
    """The first remedy is the one that fits most often."""
    check = _driver(state, **changes)

    assert check.is_short
    assert commands(check)[0] == command


def test_a_mismatch_in_a_container_needs_a_new_container() -> None:
    """A reboot of the host would be too much: the libraries were mounted at its start."""
    check = _driver(DriverState.MISMATCHED, rights=CONTAINER)

    assert ["start the container anew: the host's driver was updated under it"] == [
        remedy.text for remedy in check.remedies
    ]


def test_a_wrong_binding_is_replaced() -> None:
    """The unofficial pynvml takes the name of NVIDIA's own."""
    check = _driver(DriverState.FAILED, "the pynvml that is installed is not NVIDIA's nvidia-ml-py")

    assert commands(check)[0].endswith("pip install --force-reinstall nvidia-ml-py")


def test_a_gpu_that_was_asked_for_and_is_not_there() -> None:
    """The wish is wrong, not the driver."""
    check = _driver(DriverState.NO_GPUS, "no GPU is called 7: there are 1, numbered from 0")

    assert "--gpu" in check.remedies[0].text


def test_a_machine_without_an_nvidia_gpu_has_nothing_to_install() -> None:
    """The PCI bus tells that a driver would not help."""
    check = _driver(DriverState.ABSENT, system=replace(WITHOUT_MODULE, nvidia_gpus=0))

    assert [] == commands(check)
    assert check.remedies[0].text.startswith("nothing, without an NVIDIA GPU")


def test_behind_a_virtual_gpu_the_driver_is_still_judged() -> None:
    """A demo does not hide that the driver was updated under the running system."""
    text = "virtual GPU, simulated; the NVIDIA driver's module and library differ in version: reboot"
    driver = DriverReading(DriverState.OK, text, simulated=True)
    check = by_id(gpu_checks(replace(FACTS, driver=driver, gpus=())))["gpu.driver"]

    assert (State.LIMITED, "sudo reboot") == (check.state, commands(check)[0])


def test_a_virtual_gpu_is_labelled() -> None:
    """Simulated is never taken for real."""
    assert _gpu(simulated=True)["gpu.virtual"].text.endswith(", of a simulated training")


def test_every_function_of_a_gpu_is_checked() -> None:
    """All fields of a GPU that can be missing belong to a check."""
    covered = {field for groups in (ESSENTIAL, OPTIONAL) for fields in groups.values() for field in fields}
    annotations: dict[str, str] = GpuReading.__annotations__
    measured = {name for name, kind in annotations.items() if "Maybe" in kind}

    assert set() == measured - covered


@pytest.mark.parametrize("name", ESSENTIAL)
def test_what_matters_is_limited_without_it(name: str) -> None:
    """Without busy time, memory or processes the verdict is poorer."""
    missing = dict.fromkeys(ESSENTIAL[name], NOT_SUPPORTED)

    assert _gpu(**missing)[f"gpu.{name}"].state is State.LIMITED


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_nicety_is_a_note(name: str) -> None:
    """A GPU without a fan is a healthy GPU."""
    check = _gpu(**dict.fromkeys(OPTIONAL[name], NOT_SUPPORTED))[f"gpu.{name}"]

    assert (State.NOTE, "not supported by this GPU", ()) == (check.state, check.text, check.remedies)


def test_a_function_that_is_there_in_part() -> None:
    """One missing number of several does not hide the others."""
    check = _gpu(gpu_power_limit_watts=NOT_SUPPORTED)["gpu.power"]

    assert check.text == "in part: not supported by this GPU"


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        ("not known to the installed nvidia-ml-py", "pip install --upgrade nvidia-ml-py"),
        ("no permission", 'sudo "$(command -v gpumon)"'),
        ("the driver timed out", "sudo dmesg | grep -i -e nvrm -e xid | tail"),
    ],
)
def test_what_a_missing_function_needs(reason: str, command: str) -> None:
    """Where something helps it is named."""
    assert commands(_gpu(gpu_fan_ratio=Missing(reason))["gpu.fan"]) == [command]


def test_processes_of_another_namespace() -> None:
    """The driver names PIDs of the host, which a container cannot see."""
    hidden = GpuProcess(7, 1, note="PID of another namespace: not visible from here")
    check = _gpu(processes=(hidden,))["gpu.processes"]

    assert (State.LIMITED, ["docker run --pid=host ..."]) == (check.state, commands(check))


def test_a_gpu_that_fell_off_the_bus() -> None:
    """One check instead of a row of them."""
    found = _gpu(state=GpuState.LOST, gpu_busy_ratio=Missing("the GPU has fallen off the bus"))

    assert {"gpu.driver", "gpu.device"} == set(found)
    assert (State.MISSING, "the GPU has fallen off the bus") == (
        found["gpu.device"].state,
        found["gpu.device"].text,
    )


def test_a_full_gpu_falls_short_of_nothing() -> None:
    """Nothing is wrong where nothing is missing."""
    facts: Facts = FACTS

    assert [] == [check for check in gpu_checks(facts) if check.state is not State.OK]
