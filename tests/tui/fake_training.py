"""A made-up training: its processes, settings, loader and progress."""

from __future__ import annotations

from dataclasses import replace
from math import sin

from gpumon.model.host import CgroupReading, SharedMemoryReading
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.process import ProcessId, ProcessReading, Role, ThreadStates
from gpumon.model.reading import LoaderReading, LossesReading, ProgressReading, TrainingReading
from gpumon.model.training import Member, Phase, Setting, Settings, Training

MAIN_PID = 41234
_LOSSES = (LossesReading("log", 3, (("box_loss", 0.0441), ("obj_loss", 0.0302), ("cls_loss", 0.0179))),)
_RESULTS = (
    ("epoch", 2.0),
    ("train/box_loss", 0.04512),
    ("train/obj_loss", 0.03107),
    ("train/cls_loss", 0.01823),
    ("metrics/precision", 0.71),
    ("metrics/recall", 0.64),
    ("metrics/mAP_0.5", 0.688),
    ("metrics/mAP_0.5:0.95", 0.452),
    ("val/box_loss", 0.04101),
    ("x/lr0", 0.00921),
)
# What a process may call itself: Textual markup, brackets, wide and combining characters, and length.
HOSTILE = "[bold red]evil[/] [@click=app.quit]x[/] 漢字é\u0301 \\[ " + "A" * 300


def fake_reading(variant: str, second: int) -> TrainingReading:
    """Return the training of a variant at one second."""
    training = _training(variant)
    if variant == "missing":
        return TrainingReading(training, Phase.UNKNOWN, "")
    healthy = variant == "healthy"
    if variant in {"ranks", "nan"}:
        reading = _looked_into(fake_reading("starved", second), second)
        lost = LossesReading("log", 3, (("box_loss", float("nan")), ("obj_loss", 0.0302)))
        losses = _LOSSES if variant == "ranks" else (lost,)
        return replace(reading, progress=replace(reading.progress, losses=losses))
    wait = 0.01 if healthy else min(1.0, max(0.0, 0.41 + 0.08 * sin(second / 6)))
    return TrainingReading(
        training=training,
        phase=Phase.TRAIN,
        phase_source="worker processes",
        progress=ProgressReading(
            epoch=3,
            epochs=100,
            batch=1203 + second,
            batches=2933,
            images_per_second=Measure(150.0 if healthy else 90.1, Certainty.EXACT, "log"),
            eta_seconds=31_260.0 - second,
            source="log",
        ),
        loader=LoaderReading(
            data_wait_ratio=Measure(wait, Certainty.SAMPLED, "thread states", standard_error=0.03),
            workers=2,
            worker_idle_ratio=0.6 if healthy else 0.02,
            worker_cpu_ratio=0.4 if healthy else 0.98,
            worker_run_queue_wait_ratio=0.01,
            worker_disk_ratio=0.02,
            worker_remote_ratio=0.0,
            worker_lock_ratio=0.0,
            batches_per_second=Measure(3.75, Certainty.EXACT, "log"),
            read_bytes_per_second=41e6,
            shm=SharedMemoryReading(8 * 1024**3, 6 * 1024**3),
        ),
        processes=_processes(variant, second),
        cgroup=CgroupReading(2, "/user.slice", cpu_quota_cores=None, cpu_throttled_ratio=0.0),
        usable_cores=8.0,
        affinity_cores=8,
        gpu_uuids=("GPU-0",),
        gpu_memory_used_bytes=int((6.2 + 0.5 * sin(second / 20)) * 1e9),
    )


def _looked_into(reading: TrainingReading, second: int) -> TrainingReading:
    """Return a reading of two ranks with all that the interpreter tells, and sources that disagree."""
    loader, progress = reading.loader, reading.progress
    source = "interpreter (CPython 3.11)"
    by_state = Measure(0.09, Certainty.SAMPLED, "state of the main thread", standard_error=0.04)
    states = tuple(
        ThreadStates(
            ProcessId(MAIN_PID + number, 5000 + number),
            MAIN_PID + number,
            samples=20,
            running=15,
            polling=1,
            disk=4,
            cpu_busy_ratio=0.7,
            run_queue_wait_ratio=0.05,
        )
        for number in (1, 2)
    )
    assert isinstance(loader.data_wait_ratio, Measure)
    return replace(
        reading,
        training=replace(reading.training, world_size=2),
        phase_source=f"{source}: train",
        interpreter=source,
        reporter=Missing("it was not started by `gpumon run`"),
        progress=replace(progress, source=f"{source}; log says epoch 5", results=_RESULTS, epoch_results=3),
        loader=replace(
            loader,
            data_wait_ratio=replace(loader.data_wait_ratio, source=source),
            data_wait_ratio_by_state=by_state,
            main_samples=20,
            main_waiting_samples=8,
            worker_states=states,
            batch_size=12,
            batch_bytes=Measure(14_745_600.0, Certainty.ESTIMATED, "3 bytes a pixel"),
            prefetch_factor=2,
            pin_memory=True,
            persistent_workers=False,
            drop_last=False,
            batches_ready=second % 3,
            tasks_outstanding=4,
            shm_needed_bytes=Measure(
                2e8, Certainty.ESTIMATED, "2 batches for each worker", low=1e8, high=3e8
            ),
            slowest_rank=1,
            slowest_rank_data_wait_ratio=Measure(0.62, Certainty.SAMPLED, source, standard_error=0.11),
            rank_data_wait_spread_ratio=0.21,
            notes=(f"data wait: {source} says 41%, state of the main thread 9%",),
        ),
    )


def _training(variant: str) -> Training:
    members = tuple(
        Member(ProcessId(MAIN_PID + number, 5000 + number), MAIN_PID if number else 1, role)
        for number, role in enumerate((Role.MAIN, Role.TRAIN_WORKER, Role.TRAIN_WORKER))
    )
    training = Training(
        id=ProcessId(MAIN_PID, 5000),
        framework="yolov5",
        name="train.py",
        command=("python", "train.py", "--img", "640", "--batch", "24", "--workers", "2"),
        command_is_exact=True,
        command_directory="/home/ann/yolov5",
        user_id=1000,
        settings=Settings(
            batch_size=Setting(24, "argv"),
            workers=Setting(2, "argv"),
            workers_asked=Setting(2, "argv"),
            imgsz=Setting(640, "argv"),
            epochs=Setting(100, "default of YOLOv5 v7.0"),
            weights=Setting("yolov5s.pt", "default of YOLOv5 v7.0"),
            cfg=Setting("", "default of YOLOv5 v7.0"),
            data=Setting("coco128.yaml", "argv"),
        ),
        members=members,
        run_dir="/home/ann/yolov5/runs/train/exp7",
    )
    if variant == "missing":
        return replace(training, settings=Settings(), run_dir=Missing("the run directory was not found"))
    if variant == "hostile":
        return replace(training, name=HOSTILE, run_dir="/" + HOSTILE, command=(HOSTILE,))
    if variant == "healthy":
        return replace(training, simulated=True)
    return training


def _processes(variant: str, second: int) -> tuple[ProcessReading, ...]:
    name = HOSTILE if variant == "hostile" else "python"
    main = ProcessReading(
        id=ProcessId(MAIN_PID, 5000),
        parent_pid=1,
        role=Role.MAIN,
        name=name,
        command=(name, "train.py"),
        user="ann",
        state="S",
        cpu_busy_ratio=0.62,
        run_queue_wait_ratio=0.01,
        threads=38,
        memory_rss_bytes=4_100_000_000,
        memory_pss_bytes=3_300_000_000,
        read_bytes_per_second=0.0,
    )
    workers = tuple(
        replace(
            main,
            id=ProcessId(MAIN_PID + number, 5000 + number),
            parent_pid=MAIN_PID,
            role=Role.TRAIN_WORKER,
            state="R" if (second + number) % 3 else "S",
            cpu_busy_ratio=0.97 + 0.01 * number,
            memory_rss_bytes=1_200_000_000,
            memory_pss_bytes=400_000_000 if number == 1 else Missing("no permission"),
            read_bytes_per_second=20.5e6,
        )
        for number in (1, 2)
    )
    stranger = replace(main, id=ProcessId(42_000, 9000), parent_pid=7, role=Role.OTHER, cpu_busy_ratio=0.0)
    return (*workers, main, stranger)
