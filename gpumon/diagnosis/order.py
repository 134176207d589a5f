"""All rules in their order of decision. A new rule is imported here and put into one of the groups."""

from __future__ import annotations

from gpumon.diagnosis.rule import Rule
from gpumon.diagnosis.rules import (
    amp_off,
    batch_too_small,
    checkpoint_stall,
    compute_bound,
    data_parallel,
    ddp_imbalance,
    gpu_lost,
    gpu_shared,
    host_memory_pressure,
    host_overhead,
    hung,
    idle_gpus,
    memory_bandwidth_bound,
    nan_loss,
    not_on_gpu,
    power_capped,
    shm_nearly_full,
    starting,
    starved_cpu_exhausted,
    starved_cpu_quota,
    starved_local_disk,
    starved_lock,
    starved_neighbours,
    starved_no_workers,
    starved_page_cache,
    starved_remote_storage,
    starved_slow_samples,
    starved_too_few_workers,
    starved_too_many_workers,
    thermal_throttle,
    transfer_bound,
    validation_share,
    vram_at_limit,
    vram_growth,
    workers_respawned,
)

# The order begins with (0): is it training at all? What fires here is the verdict at once, and nothing that
# follows from it is told.
STANDSTILLS: tuple[Rule, ...] = (hung.RULE, starting.RULE, not_on_gpu.RULE)
# (4) The causes of a data wait, from the most to the least specific; of several ranks first whether one is
# behind, for the others then wait for it.
WAITS: tuple[Rule, ...] = (
    starved_no_workers.RULE,
    starved_cpu_quota.RULE,
    starved_too_many_workers.RULE,
    starved_neighbours.RULE,
    starved_cpu_exhausted.RULE,
    starved_remote_storage.RULE,
    starved_page_cache.RULE,
    starved_local_disk.RULE,
    starved_lock.RULE,
    starved_slow_samples.RULE,
    starved_too_few_workers.RULE,
)
# (5) and (6) What limits a training that is fed: the loop, the GPU; last the healthy state.
LIMITS: tuple[Rule, ...] = (
    host_overhead.RULE,
    transfer_bound.RULE,
    batch_too_small.RULE,
    amp_off.RULE,
    memory_bandwidth_bound.RULE,
    compute_bound.RULE,
)
# The first of these that fires is the verdict; where none does it is unclear.
CAUSES: tuple[Rule, ...] = (ddp_imbalance.RULE, *WAITS, *LIMITS)

# Judged always, beside the verdict. (1) What phases other than training cost.
PHASES: tuple[Rule, ...] = (validation_share.RULE, checkpoint_stall.RULE, workers_respawned.RULE)
# (2) What may end the run.
DANGERS: tuple[Rule, ...] = (
    nan_loss.RULE,
    shm_nearly_full.RULE,
    vram_growth.RULE,
    vram_at_limit.RULE,
    host_memory_pressure.RULE,
)
# (3) The state of the GPUs and how they are used.
HARDWARE: tuple[Rule, ...] = (
    gpu_lost.RULE,
    thermal_throttle.RULE,
    power_capped.RULE,
    gpu_shared.RULE,
    data_parallel.RULE,
    idle_gpus.RULE,
)
BESIDE: tuple[Rule, ...] = (*PHASES, *DANGERS, *HARDWARE)
