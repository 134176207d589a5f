"""Simulated trainings on the virtual GPU's allocator, second by second, as NVML would show their memory.

No time passes: steps move a clock of their own. What runs out is decided by the allocator and its list of
tensors alone, which know nothing of gpumon's models. Seven kinds: steady; noisy (targets vary widely);
dense (few batches are crowded); multi-scale; ragged (batches of different sizes, which cut memory in
pieces); leaking; and leaking so slowly that the run ends first, mostly.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field, replace

from gpumon.model.training import Phase
from tests.lab.allocator import OutOfMemoryError
from tests.lab.gpu_cost import GpuCost
from tests.lab.virtual_gpu import VirtualGpu

MIB = 1 << 20
KINDS = ("steady", "noisy", "dense", "multi-scale", "ragged", "leak", "slow-leak")
LEAKS = frozenset({"leak", "slow-leak"})
RESERVED_BYTES = 300 * MIB
_START_SECONDS = 4.0
_SIZES = 21
# Of twice the images, at 0.35 of the time of a training step each.
_VALIDATION_STEP = 0.7
_CHECKPOINT_SECONDS = 1.5
_ENDLESS_BYTES = 1 << 42


@dataclass(frozen=True, slots=True)
class Plan:
    """What a training does. `total_bytes` is its GPU's memory; the last batch of an epoch has `last_images`.

    `batches` and `val_batches` are of an epoch; `targets` an image, with `spread` (of their logarithm), and
    one batch in `dense_every` has `dense_factor` times as many.
    """

    kind: str
    seed: int
    cost: GpuCost
    batch_size: int
    last_images: int
    epochs: int
    batches: int
    val_batches: int
    step_seconds: float
    targets: float = 7.0
    spread: float = 0.0
    dense_every: int = 0
    dense_factor: float = 1.0
    leak_bytes: int = 0
    neighbour_bytes: int = 0
    total_bytes: int = _ENDLESS_BYTES

    @property
    def steps(self) -> int:
        """How many training steps it has."""
        return self.epochs * self.batches


@dataclass(frozen=True, slots=True)
class Second:
    """What can be seen at the end of a second."""

    own_bytes: int
    phase: Phase
    epoch: int
    batch: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was seen, up to its end. `failed_step` is the step at which it ran out of memory, or None.

    `peak_bytes` is the most that it held, `planned_seconds` about how long it would have taken.
    """

    plan: Plan
    seconds: tuple[Second, ...]
    failed_step: int | None
    peak_bytes: int
    retries: int
    planned_seconds: float


@dataclass
class Told:
    """The books of the virtual GPU: what the process held from when on."""

    now: float = 0.0
    times: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=list)

    def begin(self, unix_seconds: float) -> None: ...
    def end(self, start_unix_seconds: float, end_unix_seconds: float) -> None: ...
    def sensors(self, temperature_celsius: float, power_watts: float, sm_clock_hertz: float) -> None: ...

    def memory(self, used_bytes: int, reserved_bytes: int, process_bytes: int) -> None:
        """Write down what the process holds now."""
        del used_bytes, reserved_bytes
        self.times.append(self.now)
        self.held.append(process_bytes)


def plan_of(seed: int) -> Plan:
    """Return the plan that a seed draws: its kind, its model, and how much room its GPU leaves."""
    draw = random.Random(seed)  # noqa: S311 - a reproducible draw
    kind = KINDS[seed % len(KINDS)]
    width = draw.choice((0.6, 1.0, 1.0, 1.5))
    cost = GpuCost(
        amp=draw.random() < 0.7,
        adam=draw.random() < 0.2,
        parameters=int(7.2e6 * width**2),
        width=width,
        context_bytes=draw.randint(300, 430) * MIB,
    )
    batch_size = draw.choice((4, 8, 8, 16, 16, 32))
    batches = draw.randint(16, 40)
    plan = Plan(
        kind=kind,
        seed=seed,
        cost=cost,
        batch_size=batch_size,
        last_images=draw.randint(1, batch_size),
        epochs=draw.randint(6, 12),
        batches=batches,
        val_batches=max(1, batches // 6),
        step_seconds=draw.uniform(1.0, 3.0),
        targets=draw.uniform(4.0, 20.0),
        spread=draw.uniform(0.3, 0.8) if kind == "noisy" else 0.1,
        dense_every=draw.randint(30, 200) if kind == "dense" else 0,
        # One crowded picture in the batch: it shares the mean with the others.
        dense_factor=1.0 + draw.uniform(10.0, 60.0) / batch_size if kind == "dense" else 1.0,
    )
    # Half of them in the narrow, where it is decided: about what ordinary steps need.
    room = draw.uniform(-0.16, 0.08) if draw.random() < 0.5 else draw.uniform(0.15, 0.8)
    if kind == "multi-scale":
        room = draw.uniform(0.2, 1.8)
    peak = dry_peak(plan, validates=kind in LEAKS)
    if kind in LEAKS:
        room = abs(room) + 0.02
        until_full = draw.uniform(0.15, 0.7) if kind == "leak" else draw.uniform(1.2, 4.0)
        plan = replace(plan, leak_bytes=int(room * peak / (until_full * plan.steps)))
    neighbour = draw.randint(200, 2000) * MIB if draw.random() < 0.2 else 0
    total = int(peak * (1.0 + room)) + RESERVED_BYTES + neighbour
    return replace(plan, neighbour_bytes=neighbour, total_bytes=total)


def dry_peak(plan: Plan, *, validates: bool = True) -> int:
    """Return what the process holds after ordinary steps, and maybe a validation, with room enough."""
    told = Told()
    gpu = _gpu(replace(plan, neighbour_bytes=0, total_bytes=_ENDLESS_BYTES), told)
    ordinary = round(plan.batch_size * plan.targets)
    for images in (plan.batch_size,) * 4 + (plan.last_images,):
        gpu.train(images, ordinary)
    if validates:
        gpu.validate(2 * plan.batch_size)
    gpu.train(plan.batch_size, ordinary)
    return max(told.held)


def simulate(plan: Plan) -> Run:
    """Run the plan on its GPU until it ends or fails."""
    told = Told()
    marks: list[tuple[float, Phase, int, int]] = [(0.0, Phase.START, 0, 0)]
    noise = random.Random(plan.seed + 1)  # noqa: S311 - noise, not keys
    failed: int | None = None
    step = retries = 0
    try:
        gpu = _gpu(plan, told)
        told.now = _START_SECONDS
        for epoch in range(plan.epochs):
            for batch in range(plan.batches):
                marks.append((told.now, Phase.TRAIN, epoch, batch))
                train_step(plan, gpu, step, noise)
                step += 1
            for _ in range(plan.val_batches):
                marks.append((told.now, Phase.VALIDATE, epoch, plan.batches))
                gpu.validate(2 * plan.batch_size)
            marks.append((told.now, Phase.CHECKPOINT, epoch, plan.batches))
            told.now += _CHECKPOINT_SECONDS
        retries = gpu.allocator.retries
    except OutOfMemoryError:
        failed = step
    epoch_seconds = plan.step_seconds * (plan.batches + _VALIDATION_STEP * plan.val_batches)
    planned = _START_SECONDS + plan.epochs * (epoch_seconds + _CHECKPOINT_SECONDS)
    peak = max(told.held, default=0)
    return Run(plan, _seconds(told, marks), failed, peak, retries, planned)


def train_step(plan: Plan, gpu: VirtualGpu, step: int, noise: random.Random) -> None:
    """Make one step of the plan. Raises OutOfMemoryError."""
    images = plan.last_images if step % plan.batches == plan.batches - 1 else plan.batch_size
    targets = images * plan.targets * noise.lognormvariate(0.0, plan.spread)
    if plan.dense_every and noise.random() < 1.0 / plan.dense_every:
        targets *= plan.dense_factor
    scale = 1.0
    if plan.kind == "multi-scale":
        scale = (0.5 + noise.randrange(_SIZES) / (_SIZES - 1)) ** 2
    elif plan.kind == "ragged":
        scale = noise.uniform(0.7, 1.0)
    gpu.train(images, round(targets), scale)
    if plan.leak_bytes:
        gpu.leak(plan.leak_bytes)


def _gpu(plan: Plan, told: Told) -> VirtualGpu:
    def compute(seconds: float) -> tuple[float, float]:
        # Validation costs 0.35 of a step of the same size, and so much is asked for.
        start = told.now
        told.now += plan.step_seconds * (seconds / ordinary)
        return start, told.now

    ordinary = plan.cost.mean_seconds(plan.batch_size, round(plan.batch_size * plan.targets))
    return VirtualGpu(
        plan.cost,
        told,
        compute,
        total_bytes=plan.total_bytes,
        reserved_bytes=RESERVED_BYTES,
        neighbour_bytes=plan.neighbour_bytes,
        noise=random.Random(plan.seed + 2),  # noqa: S311 - noise, not keys
    )


def _seconds(told: Told, marks: list[tuple[float, Phase, int, int]]) -> tuple[Second, ...]:
    """Return what was told last before the end of each second."""
    found = []
    starts = [mark[0] for mark in marks]
    for second in range(1, int(told.now) + 1):
        place = bisect_right(told.times, float(second)) - 1
        _, phase, epoch, batch = marks[bisect_right(starts, float(second)) - 1]
        if place >= 0:
            found.append(Second(told.held[place], phase, epoch, batch))
    return tuple(found)
