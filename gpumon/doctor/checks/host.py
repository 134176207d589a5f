"""The machine's own figures, and the cgroup that limits a training."""

from __future__ import annotations

from collections.abc import Iterator

from gpumon.doctor.check import Check, Remedy, State, Tier
from gpumon.doctor.facts import Facts, ProcessFacts
from gpumon.model.host import CgroupReading
from gpumon.model.measure import Missing
from gpumon.paint.numbers import bytes_text, quantity

_PSI = Remedy("boot the host with psi=1 on the kernel's command line (the kernel needs CONFIG_PSI)")
_PROC = Remedy("give gpumon a whole /proc", "sudo mount -t proc proc /proc")
_CGROUPS = Remedy("show the container its cgroups", "docker run -v /sys/fs/cgroup:/sys/fs/cgroup:ro ...")
_HOST_CGROUPS = Remedy("let gpumon's container see the host's cgroups", "docker run --cgroupns=host ...")
_MOUNT = Remedy("mount the cgroup tree", "sudo mount -t cgroup2 none /sys/fs/cgroup")


def host_checks(facts: Facts) -> Iterator[Check]:
    """Yield cores, memory, disks, the cores' topology, load and pressure stall information."""
    host = facts.host
    count = "" if isinstance(host.cores, Missing) else f"{len(host.cores)}"
    for name, title, value, text, matters in (
        ("cores", "cores", host.cores, count, True),
        ("memory", "memory", host.memory, "", True),
        ("disks", "disks", host.disks, "", False),
        ("physical_cores", "physical cores", host.physical_cores, "", False),
        ("load", "load", host.load_1_minute, "", False),
    ):
        if isinstance(value, Missing):
            state = State.LIMITED if matters else State.NOTE
            helps = (_PROC,) if matters else ()
            yield Check(f"host.{name}", Tier.HOST, title, state, value.reason, remedies=helps)
        else:
            yield Check(f"host.{name}", Tier.HOST, title, State.OK, text)
    pressure = host.pressure.io_some_ratio
    title = "pressure (PSI)"
    if isinstance(pressure, Missing):
        text = f"{pressure.reason}: a slow disk is told by the states of threads alone"
        yield Check("host.pressure", Tier.HOST, title, State.NOTE, text, remedies=(_PSI,))
    else:
        yield Check("host.pressure", Tier.HOST, title, State.OK)


def cgroup_checks(process: ProcessFacts, *, is_container: bool) -> Iterator[Check]:
    """Yield the limits that the cgroup of a process sets."""
    subject, cgroup = f"process {process.id.pid}", process.cgroup
    if isinstance(cgroup, Missing):
        helps = (_CGROUPS, _HOST_CGROUPS) if is_container else (_MOUNT,)
        yield Check("cgroup.limits", Tier.CGROUP, "limits", State.LIMITED, cgroup.reason, subject, helps)
        return
    yield _limits(cgroup, subject)
    for name, title, value in (
        ("memory_used", "memory in use", cgroup.memory_used_bytes),
        ("kills", "kills", cgroup.memory_oom_kills),
    ):
        if isinstance(value, Missing):
            yield Check(f"cgroup.{name}", Tier.CGROUP, title, State.NOTE, value.reason, subject)
        else:
            yield Check(f"cgroup.{name}", Tier.CGROUP, title, State.OK, "", subject)


def _limits(cgroup: CgroupReading, subject: str) -> Check:
    quota, memory = cgroup.cpu_quota_cores, cgroup.memory_limit_bytes
    if isinstance(quota, Missing) or isinstance(memory, Missing):
        reason = quota.reason if isinstance(quota, Missing) else "its memory limit cannot be read"
        return Check("cgroup.limits", Tier.CGROUP, "limits", State.LIMITED, reason, subject)
    cores = "no CPU quota" if quota is None else f"quota of {quantity(quota)} cores"
    size = "no memory limit" if memory is None else f"memory limit {bytes_text(memory)}"
    text = f"{cores}, {size} (cgroup v{cgroup.version})"
    return Check("cgroup.limits", Tier.CGROUP, "limits", State.OK, text, subject)
