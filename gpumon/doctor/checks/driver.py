"""The NVIDIA driver: whether it answers, and what brings it to."""

from __future__ import annotations

from gpumon.doctor.check import Check, Remedy, State, Tier
from gpumon.doctor.facts import Facts
from gpumon.doctor.rights import as_root
from gpumon.model.gpu import DriverReading, DriverState
from gpumon.model.measure import known

DMESG = Remedy("see what the driver said", "sudo dmesg | grep -i -e nvrm -e xid | tail")
REBOOT = Remedy("reboot", "sudo reboot")
_ALL_GPUS = Remedy(
    "start the container with the GPUs and the driver's tools",
    "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility ...",
)
_RIGHT_BINDING = Remedy(
    "install NVIDIA's own binding in place of what is there",
    "pip uninstall -y pynvml nvidia-ml-py3; pip install --force-reinstall nvidia-ml-py",
)
_UNLOAD = Remedy(
    "end every program that uses a GPU and load the module anew",
    "sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia && sudo modprobe nvidia",
)
_NEW_CONTAINER = Remedy("start the container anew: the host's driver was updated under it")
_ANOTHER_GPU = Remedy("leave --gpu (GPUMON_GPU, gpu in the config file) out, or name a GPU that exists")
_NOTHING_TO_INSTALL = Remedy(
    "nothing, without an NVIDIA GPU in it: CPU, workers and waits are seen all the same"
)
_ON_THE_HOST = Remedy(
    "on the host, install the driver and the NVIDIA Container Toolkit if they are not there"
)
# How a driver that is hidden behind a virtual GPU says why there is no other.
_WORDS = {
    "differ in version": DriverState.MISMATCHED,
    "module is not loaded": DriverState.NOT_LOADED,
    "no permission": DriverState.NO_PERMISSION,
    "sees no GPU": DriverState.NO_GPUS,
    "not found": DriverState.ABSENT,
}


def driver_check(facts: Facts) -> Check:
    """Return whether the driver answers."""
    driver, title = facts.driver, "NVIDIA driver"
    if driver.state is DriverState.OK and not driver.simulated:
        version, cuda = known(driver.driver_version), known(driver.cuda_version)
        text = f"{version or 'of unknown version'}{f', CUDA {cuda}' if cuda else ''}"
        state = State.NOTE if driver.text else State.OK
        return Check("gpu.driver", Tier.GPU, title, state, "; ".join(filter(None, (text, driver.text))))
    if driver.simulated:
        hidden = next((of for words, of in _WORDS.items() if words in driver.text), DriverState.FAILED)
        driver = DriverReading(hidden, driver.text or "only the virtual GPU of a simulated training is seen")
    is_partial = facts.driver.simulated or driver.state is DriverState.NO_GPUS
    state = State.LIMITED if is_partial else State.MISSING
    return Check("gpu.driver", Tier.GPU, title, state, driver.text, remedies=_remedies(facts, driver))


def _remedies(facts: Facts, driver: DriverReading) -> tuple[Remedy, ...]:
    """Return what brings the driver to answer."""
    is_inside = bool(facts.rights.container)
    if driver.state is DriverState.ABSENT:
        return _absent(facts)
    if driver.state is DriverState.NO_GPUS and "no GPU is called" in driver.text:
        return (_ANOTHER_GPU,)
    if driver.state is DriverState.FAILED and "nvidia-ml-py" in driver.text:
        return (_RIGHT_BINDING,)
    inside = {
        DriverState.MISMATCHED: (_NEW_CONTAINER,),
        DriverState.NO_PERMISSION: (_ALL_GPUS,),
        DriverState.NO_GPUS: (_ALL_GPUS,),
    }
    group = "join the group that owns /dev/nvidia0 (often video), and log in anew"
    join = Remedy(group, 'sudo usermod -aG "$(stat -c %G /dev/nvidia0)" "$USER"')
    outside = {
        DriverState.NOT_LOADED: (Remedy("load the module", "sudo modprobe nvidia"), DMESG),
        DriverState.MISMATCHED: (REBOOT, _UNLOAD),
        DriverState.NO_PERMISSION: (join, as_root(facts.rights)),
        DriverState.NO_GPUS: (DMESG,),
    }
    otherwise = outside.get(driver.state, (DMESG, REBOOT))
    return inside.get(driver.state, otherwise) if is_inside else otherwise


def _absent(facts: Facts) -> tuple[Remedy, ...]:
    """Return what helps where there is no library of the driver."""
    system = facts.system
    if system.is_wsl:
        path = Remedy(
            "show Python the libraries of Windows' driver",
            'export LD_LIBRARY_PATH="/usr/lib/wsl/lib:$LD_LIBRARY_PATH"',
        )
        return (path, Remedy("install NVIDIA's driver in Windows, not in WSL"))
    if facts.rights.container:
        return (_ALL_GPUS, _ON_THE_HOST)
    if system.nvidia_module:
        text = f"the module {system.nvidia_module} is loaded: find its library and add its folder to ld.so's"
        return (Remedy(text, "sudo find / -name libnvidia-ml.so.1; sudo ldconfig"),)
    if system.nvidia_gpus == 0:
        return (_NOTHING_TO_INSTALL,)
    return (
        Remedy("install the driver (Ubuntu), then reboot", "sudo ubuntu-drivers install"),
        Remedy("install the driver of your distribution, or https://www.nvidia.com/drivers"),
    )
