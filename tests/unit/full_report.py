"""Two reports made by hand: one that has everything, and one in which everything is missing.

`python -m tests.unit.full_report` prints the first as JSON: that is how report.json was made.
"""

from __future__ import annotations

from gpumon.model.clock import Instant
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import BusySample, DriverReading, DriverState, GpuProcess, GpuReading, GpuSlice
from gpumon.model.host import (
    CgroupReading,
    CoreDomain,
    CoreReading,
    DiskReading,
    HostReading,
    MemoryReading,
    PressureReading,
    SharedMemoryReading,
)
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.model.reading import LoaderReading, LossesReading, ProgressReading, TrainingReading
from gpumon.model.report import Attachment, AttachState, Report, TrainingReport
from gpumon.model.sample import Sample, SelfReading, SourceError
from gpumon.model.suggestion import (
    Bound,
    MemoryOutlook,
    OomRisk,
    RiskLevel,
    Suggestion,
)
from gpumon.model.training import Member, Phase, Setting, Settings, Training
from tests.unit.full_advice import FULL_PLAN, FULL_PROOF, FULL_SUGGESTION

UNIX_SECONDS = 1_790_000_000.25
GIB = 1 << 30
MAIN = ProcessId(41234, 1000)
WORKER = ProcessId(41260, 1010)

FULL_GPU = GpuReading(
    index=0,
    uuid="GPU-1",
    name="NVIDIA GeForce RTX 3060",
    gpu_busy_ratio=0.58,
    busy_samples=(BusySample(UNIX_SECONDS, 0.58),),
    busy_sample_period_seconds=0.167,
    gpu_memory_busy_ratio=0.3,
    gpu_sm_busy_ratio=0.5,
    gpu_tensor_busy_ratio=0.2,
    gpu_memory_bandwidth_ratio=0.4,
    gpu_memory_used_bytes=7 * GIB,
    gpu_memory_reserved_bytes=GIB // 4,
    gpu_memory_total_bytes=12 * GIB,
    processes=(GpuProcess(41234, 7 * GIB, 0.58),),
    slices=(GpuSlice("MIG-1", 3 * GIB, 0, 5 * GIB, (41234,)),),
    gpu_temperature_celsius=61.0,
    gpu_temperature_slowdown_celsius=95.0,
    gpu_power_watts=141.2,
    gpu_power_limit_watts=170.0,
    gpu_energy_joules=123456.7,
    gpu_sm_clock_hertz=1.8e9,
    gpu_sm_clock_max_hertz=2.1e9,
    gpu_memory_clock_hertz=7.5e9,
    gpu_fan_ratio=0.4,
    gpu_pcie_generation=4,
    gpu_pcie_generation_max=4,
    gpu_pcie_width=16,
    gpu_pcie_width_max=16,
    gpu_pcie_receive_bytes_per_second=2.1e8,
    gpu_pcie_transmit_bytes_per_second=1.0e7,
    gpu_throttle_power_ratio=0.1,
    gpu_throttle_thermal_ratio=0.0,
    gpu_throttle_brake_ratio=0.0,
    gpu_throttle_reasons=("power",),
    gpu_ecc_corrected_errors=0,
    gpu_ecc_uncorrected_errors=0,
    gpu_performance_state=2,
    gpu_mig_mode=False,
    gpu_compute_capability=(8, 6),
)
FULL_HOST = HostReading(
    cpu_busy_ratio=0.31,
    cores=(CoreReading(0, 0.5, 0.01, 0.0), CoreReading(1, 0.12, 0.0, 0.0)),
    memory=MemoryReading(32 * GIB, 20 * GIB, 12 * GIB, 2 * GIB, 0),
    pressure=PressureReading(0.1, 0.02, 0.01, 0.0, 0.0),
    disks=(DiskReading("nvme0n1", 4.1e7, 1.0e6, 0.2),),
    physical_cores=1,
    load_1_minute=1.5,
    core_domains=(CoreDomain("0-1", 0),),
)
FULL_TRAINING = Training(
    id=MAIN,
    framework="yolov5",
    name="train.py",
    command=("python", "train.py", "--batch-size", "24", "--workers", "2"),
    command_is_exact=True,
    command_directory="/home/ann/yolov5",
    user_id=1000,
    settings=Settings(
        batch_size=Setting(24, "argv"),
        workers=Setting(2, "2 worker processes seen"),
        workers_asked=Setting(2, "argv"),
        imgsz=Setting(640, "default of YOLOv5 v7.0"),
        epochs=Setting(100, "default of YOLOv5 v7.0"),
        cache=Setting(None, "opt.yaml"),
        device=Setting("0", "opt.yaml"),
        optimizer=Setting("SGD", "opt.yaml"),
        weights=Setting("yolov5s.pt", "opt.yaml"),
        cfg=Setting("", "opt.yaml"),
        data=Setting("data/coco128.yaml", "opt.yaml"),
        resume=Setting(False, "opt.yaml"),
        multi_scale=Setting(False, "opt.yaml"),
        image_weights=Setting(False, "opt.yaml"),
        lr0=Setting(0.01, "hyp.yaml"),
        pin_memory=Setting(True, "environment"),
        amp=Setting(True, "args.yaml"),
    ),
    members=(Member(MAIN, 1, Role.MAIN), Member(WORKER, 41234, Role.TRAIN_WORKER)),
    run_dir="/home/ann/yolov5/runs/train/exp7",
    log_path="/home/ann/train.log",
    framework_version="7.0",
)
FULL_READING = TrainingReading(
    training=FULL_TRAINING,
    phase=Phase.TRAIN,
    phase_source="log",
    progress=ProgressReading(
        epoch=3,
        epochs=100,
        batch=1203,
        batches=2933,
        images_per_second=Measure(90.1, Certainty.EXACT, "log"),
        eta_seconds=31260.0,
        source="log",
        results=(("train/box_loss", 0.05), ("metrics/mAP_0.5", 0.4)),
        epoch_results=3,
        imgsz=640,
        accumulate=2.0,
        warmup_batches=8799,
        losses=(LossesReading("log", 3, (("box_loss", 0.05),)),),
        losses_not_finite_ratio=0.0,
        steps_skipped_ratio=0.05,
        amp_enabled=True,
        amp_source="its own variable amp",
        model_parameters=Measure(7_235_389.0, Certainty.EXACT, "log"),
    ),
    loader=LoaderReading(
        data_wait_ratio=Measure(0.41, Certainty.SAMPLED, "interpreter (CPython 3.11)", standard_error=0.03),
        data_wait_ratio_by_state=Measure(
            0.38, Certainty.SAMPLED, "state of the main thread", standard_error=0.03
        ),
        main_samples=240,
        main_waiting_samples=98,
        main_running_samples=120,
        workers=2,
        worker_idle_ratio=0.02,
        worker_cpu_ratio=0.98,
        worker_run_queue_wait_ratio=0.01,
        worker_disk_ratio=0.0,
        worker_remote_ratio=0.0,
        worker_lock_ratio=0.0,
        worker_sleeping_ratio=0.0,
        val_worker_cpu_ratio=0.0,
        batches_per_second=Measure(3.75, Certainty.EXACT, "interpreter (CPython 3.11)"),
        batch_size=24,
        batch_bytes=Measure(2.9e7, Certainty.ESTIMATED, "3 bytes a pixel"),
        image_read_bytes=Measure(1.1e5, Certainty.SAMPLED, "reads of the loader, images by log"),
        prefetch_factor=2,
        pin_memory=True,
        persistent_workers=False,
        drop_last=False,
        batches_ready=0,
        tasks_outstanding=4,
        read_bytes_per_second=4.1e7,
        shm=SharedMemoryReading(8 * GIB, 6 * GIB),
        shm_needed_bytes=Measure(1.2e8, Certainty.ESTIMATED, "batch and image size", low=1e8, high=1.5e8),
        slowest_rank=1,
        slowest_rank_data_wait_ratio=Measure(
            0.47, Certainty.SAMPLED, "interpreter (CPython 3.11)", standard_error=0.03
        ),
        rank_data_wait_spread_ratio=0.06,
        last_batch_size=5,
        step_seconds=Measure(0.157, Certainty.SAMPLED, "interpreter (CPython 3.11)", standard_error=0.002),
        last_step_seconds=Measure(0.12, Certainty.SAMPLED, "interpreter (CPython 3.11)", standard_error=0.01),
        notes=("data wait: interpreter says 41%, state of the main thread 12%",),
    ),
    processes=(
        ProcessReading(
            id=WORKER,
            parent_pid=41234,
            role=Role.TRAIN_WORKER,
            name="pt_data_worker",
            command=("python", "train.py"),
            user="ann",
            state="R",
            cpu_busy_ratio=0.98,
            run_queue_wait_ratio=0.01,
            cpu_seconds_total=512.5,
            threads=3,
            memory_rss_bytes=2 * GIB,
            memory_pss_bytes=GIB,
            read_bytes_per_second=2.0e7,
            write_bytes_per_second=0.0,
            read_characters_per_second=2.1e7,
            read_calls_per_second=300.0,
            last_core=1,
        ),
    ),
    cgroup=CgroupReading(2, "/user.slice", 4.0, 0.05, 16 * GIB, 9 * GIB, 0),
    usable_cores=2.0,
    affinity_cores=2,
    gpu_uuids=("GPU-1",),
    gpu_memory_used_bytes=7 * GIB,
    interpreter="interpreter (CPython 3.11)",
    reporter="reporter",
)
FULL_REPORT = TrainingReport(
    pid=41234,
    findings=(
        Finding(
            "starved-too-few-workers",
            Severity.WARNING,
            "the GPU waits 41 % of each step for data",
            UNIX_SECONDS - 30,
            (Evidence("data_wait_ratio", 0.41, threshold=0.05, low=0.38, high=0.44, text="main thread"),),
            lost_ratio=0.41,
        ),
    ),
    suggestions=(FULL_SUGGESTION,),
    memory=MemoryOutlook(
        peak_bytes=7 * GIB,
        limit_bytes=11 * GIB,
        oom_risk=OomRisk(
            0.02, RiskLevel.LOW, "the peak has not moved for 3 validations", "records of the peaks of steps"
        ),
        largest_safe_batch=32,
        largest_safe_batch_low=32,
        largest_safe_batch_high=37,
        full_in_seconds=5400.0,
        batch_rests_on="the peak at batch 24 and the parameters of YOLOv5s",
    ),
    settled=True,
    plan=FULL_PLAN,
    proof=FULL_PROOF,
)


def full_report(reading: TrainingReading = FULL_READING, judged: TrainingReport = FULL_REPORT) -> Report:
    """Return a report of one GPU and one training in which nothing is missing."""
    sample = Sample(
        sequence=7,
        instant=Instant(UNIX_SECONDS, 5000.0),
        interval_seconds=1.0,
        hostname="box",
        driver=DriverReading(DriverState.OK, "", "560.35.03", "12.6"),
        gpus=(FULL_GPU,),
        host=FULL_HOST,
        trainings=(reading,),
        errors=(SourceError("log", "/home/ann/train.log cannot be read: permission denied"),),
        late_sources=("nvml",),
        self_reading=SelfReading(0.009, 58 << 20),
    )
    attachment = Attachment(AttachState.ATTACHED, "attached to yolov5 train.py (pid 41234)", reading.training)
    return Report(sample, attachment, (judged,))


def missing_training() -> Training:
    """Return a training of which only its process is known."""
    return Training(
        id=MAIN,
        framework="torch",
        name="train.py",
        command=(),
        command_is_exact=False,
        command_directory=Missing("not read"),
        user_id=1000,
        settings=Settings(),
        members=(),
    )


def missing_sample() -> Sample:
    """Return a sample with a GPU, a process and a training about which nothing can be read."""
    missing = Missing("not read")
    process = ProcessReading(MAIN, 1, Role.MAIN, "python", (), "", "?")
    return Sample(
        sequence=0,
        instant=Instant(UNIX_SECONDS, 5000.0),
        interval_seconds=1.0,
        hostname="box",
        driver=DriverReading(DriverState.FAILED, "the driver does not answer"),
        gpus=(
            GpuReading(0, "GPU-1", "GPU"),
            GpuReading(1, "GPU-2", "GPU", processes=(GpuProcess(41234, missing),)),
        ),
        host=HostReading(missing, missing, missing),
        trainings=(
            TrainingReading(missing_training(), Phase.UNKNOWN, "", processes=(process,)),
            TrainingReading(missing_training(), Phase.UNKNOWN, "", cgroup=CgroupReading(2, "/")),
        ),
    )


def missing_report() -> Report:
    """Return a report of `missing_sample` with a suggestion and an outlook that know nothing."""
    missing = Missing("not known")
    suggestion = Suggestion("workers", None, None, "", "unclear", Bound.NONE, "", missing, missing, missing)
    outlook = MemoryOutlook(missing, missing, missing, missing)
    judged = TrainingReport(41234, (), (suggestion,), outlook)
    return Report(missing_sample(), Attachment(AttachState.ATTACHED, ""), (judged,))


if __name__ == "__main__":
    import sys

    from gpumon.sinks.json import JsonSink

    JsonSink(sys.stdout).write(full_report())
