"""What the database of runs teaches of a training: runs like it, within bounds, and never itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gpumon.advice.prior import NOTHING_KNOWN, Prior, SeenMemory, SeenProof
from gpumon.history.block import Block
from gpumon.model.proof import Outcome, Proof
from gpumon.model.suggestion import Change
from gpumon.recording.learned import as_recorded
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_prior import MOST_SEEN, AtHand, load_prior, prior_of
from gpumon.recording.runs_run import RunAbout, RunEnd, RunProcess, RunsError, RunSetting, RunState
from tests.recording.prior_scene import MORE_WORKERS
from tests.recording.runs_scene import ABOUT, about, block
from tests.unit.synthetic_training import GIB, STARVED

HERE = replace(ABOUT, directory="/home/ann/yolov5", run_dir="/home/ann/yolov5/runs/train/exp2")
EARLIER = replace(HERE, run_dir="/home/ann/yolov5/runs/train/exp")
BOOT = "boot-1"
NOW = RunProcess(BOOT, 9000, 900)


def here(**settings: float | str | bool | None) -> RunAbout:
    """Return the training at hand with some settings changed."""
    return replace(about(**settings), directory=HERE.directory, run_dir=HERE.run_dir)


class Runs:
    """A database that runs are put into; each is another process, seen one after the other."""

    def __init__(self, path: Path) -> None:
        self.database = RunsDatabase(path)
        self._count = 0

    def put(
        self,
        about: RunAbout = EARLIER,
        rates: Sequence[float] = (89.0, 90.0, 91.0, 90.0),
        *,
        process: RunProcess | None = None,
        seen_unix_seconds: float = 1.7e9,
        blocks: Sequence[Block] = (),
        end: RunEnd = RunEnd.KILLED,
        proof: Proof | None = None,
    ) -> int:
        """Add a run, and return its number."""
        self._count += 1
        self.database.write(
            process or RunProcess(BOOT, 100 + self._count, self._count),
            about,
            RunState(seen_unix_seconds, 2, end, "it was killed"),
            blocks or [block(number, rate, 0.4) for number, rate in enumerate(rates)],
            predictions=[MORE_WORKERS],
            proof=proof,
        )
        return self._count

    def prior(self, about: RunAbout = HERE, started_unix_seconds: float | None = None) -> Prior:
        """Return what they teach of a training."""
        return prior_of(self.database, AtHand(NOW, about, started_unix_seconds))


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """Return an empty database."""
    found = Runs(tmp_path / "runs.sqlite")
    yield found
    found.database.close()


def _proof(achieved: float, *, earlier: int = 1, settled: bool = True) -> Proof:
    outcome = Outcome(100.0, 99.0, 101.0, achieved, achieved - 1, achieved + 1, 160.0, 150.0, 170.0)
    return Proof(None, earlier, (Change("workers", 2, 6),), settled, "told", outcome)


def test_an_empty_database_teaches_nothing(runs: Runs) -> None:
    """The first run of a machine has no prior."""
    assert NOTHING_KNOWN == runs.prior()


def test_a_run_of_the_same_training_teaches_speed_and_memory(runs: Runs) -> None:
    """Speed by workers, batch and cache with its interval, and the peak of one rank."""
    runs.put()
    (rate,) = runs.prior().rates

    assert (2, 16, None, 90.0) == (rate.workers, rate.batch_size, rate.cache, rate.images_per_second)
    assert rate.data_wait_ratio == pytest.approx(0.4)
    assert 85 < rate.images_per_second_low < 90 < rate.images_per_second_high < 95
    assert (SeenMemory(16, 5 * GIB, has_validation=True),) == runs.prior().memory


def test_what_a_training_shows_itself_is_no_prior_of_it(runs: Runs) -> None:
    """Opened a second time on one process, gpumon does not take it for its own forerunner."""
    number = runs.put(here(), process=NOW)
    prior = runs.prior()

    assert ((), (), None, number) == (prior.memory, prior.rates, prior.earlier, prior.run)


@pytest.mark.parametrize(
    ("other", "speed", "memory"),
    [
        (replace(EARLIER, framework="ultralytics"), 0, 0),
        (replace(EARLIER, simulated=True), 0, 0),
        (replace(EARLIER, settings=about(weights="yolov5m.pt").settings), 0, 0),
        (replace(EARLIER, settings=about(imgsz=320).settings), 0, 0),
        (replace(EARLIER, name="other.py"), 0, 1),
        (replace(EARLIER, hostname="elsewhere"), 0, 1),
        (replace(EARLIER, usable_cores=2.0), 0, 1),
        (replace(EARLIER, settings=(*EARLIER.settings, RunSetting("data", "coco.yaml", "argv"))), 0, 1),
        (replace(EARLIER, gpus=("RTX 4090",)), 0, 0),
        (replace(EARLIER, gpus=("RTX 3060", "RTX 3060"), world_size=2), 0, 1),
        (replace(EARLIER, gpus=("RTX 3060", "RTX 3060")), 0, 0),
        (replace(EARLIER, directory="/elsewhere", run_dir=None), 1, 1),
    ],
)
def test_other_work_or_another_machine_teaches_less(
    runs: Runs, other: RunAbout, speed: int, memory: int
) -> None:
    """Speed needs the same work on the same machine; memory the same model, image size and GPU."""
    runs.put(other)
    prior = runs.prior()

    assert (speed, memory) == (len(prior.rates), len(prior.memory))


def test_what_a_precision_needs_says_nothing_of_another(runs: Runs) -> None:
    """With AMP off, a peak with AMP is none; where it is not known of both, it counts."""
    runs.put(replace(EARLIER, settings=(*EARLIER.settings, RunSetting("amp", True, "log"))))
    off = replace(HERE, settings=(*HERE.settings, RunSetting("amp", False, "log")))

    assert (0, 1) == (len(runs.prior(off).memory), len(runs.prior().memory))


def test_ranks_share_batch_and_memory(runs: Runs) -> None:
    """Under DDP a rank has its part of the batch and of the sum of the memory."""
    ddp = replace(EARLIER, world_size=2, gpus=("RTX 3060", "RTX 3060"))
    runs.put(ddp, blocks=[block(number, peak=10 * GIB) for number in range(4)])
    prior = runs.prior(replace(HERE, world_size=2, gpus=ddp.gpus))

    assert (SeenMemory(8, 5 * GIB, has_validation=True),) == prior.memory
    assert (8, 100.0) == (prior.rates[0].batch_size, prior.rates[0].images_per_second)


def test_a_prior_is_bounded_to_the_newest(runs: Runs) -> None:
    """However long the history, 50 of each kind are taken, the newest first."""
    for workers in range(MOST_SEEN + 10):
        runs.put(replace(EARLIER, settings=about(workers=workers).settings))
    prior = runs.prior()

    assert (MOST_SEEN, MOST_SEEN) == (len(prior.rates), len(prior.memory))
    assert [59, 58] == [rate.workers for rate in prior.rates[:2]]
    assert prior == as_recorded(prior)


def test_the_newest_run_with_other_settings_is_the_earlier_one(runs: Runs) -> None:
    """With all that it had measured, and what was predicted in it."""
    runs.put(rates=(50.0,) * 4)
    number = runs.put()
    runs.put(here(workers=6))
    earlier = runs.prior(here(workers=6)).earlier

    assert earlier is not None
    assert (number, (MORE_WORKERS,)) == (earlier.number, earlier.predictions)
    assert ("workers", 2) in earlier.settings
    assert earlier.images_per_second is not None
    assert 90.0 == earlier.images_per_second.value


@pytest.mark.parametrize(
    "put",
    [
        {"rates": (90.0, 90.0)},
        {"about": replace(EARLIER, directory="/elsewhere")},
        {"about": replace(EARLIER, directory=None)},
        {"about": here(workers=6)},
        {"about": replace(EARLIER, settings=about(imgsz=320).settings)},
        {"process": RunProcess(BOOT, 9001, 901)},
        {"seen_unix_seconds": 1.7e9 + 400},
    ],
)
def test_what_is_no_forerunner_is_not_taken_for_one(runs: Runs, put: dict[str, object]) -> None:
    """Seen too briefly, elsewhere, the same settings, other work, started later, or still there then."""
    runs.put(**put)  # type: ignore[arg-type]

    assert runs.prior(here(workers=6), started_unix_seconds=1.7e9 + 100).earlier is None


def test_a_resumed_training_is_known_by_its_run_directory(runs: Runs) -> None:
    """--resume names the checkpoint as weights; the model is the same."""
    last = "/home/ann/yolov5/runs/train/exp/weights/last.pt"
    runs.put()
    resumed = replace(
        here(workers=6, weights=last), run_dir=EARLIER.run_dir, directory="/home/ann", command=("python",)
    )

    earlier = runs.prior(resumed).earlier
    assert earlier is not None
    assert 1 == earlier.number


def test_an_earlier_boot_is_earlier(runs: Runs) -> None:
    """After a restart of the machine start times begin anew."""
    runs.put(process=RunProcess("boot-0", 100, 5000))

    assert runs.prior(here(workers=6)).earlier is not None


def test_proofs_of_this_machine_teach_how_good_predictions_are(runs: Runs) -> None:
    """Of any training; once each, settled ones only, and not those of other or simulated machines."""
    runs.put(proof=_proof(150.0))
    runs.put(proof=_proof(150.0))
    runs.put(replace(EARLIER, name="other.py"), proof=_proof(170.0, earlier=2))
    runs.put(proof=_proof(100.0, earlier=3, settled=False))
    runs.put(replace(EARLIER, hostname="elsewhere"), proof=_proof(100.0, earlier=4))
    runs.put(replace(EARLIER, simulated=True), proof=_proof(100.0, earlier=5))

    assert (SeenProof("workers", 1.6, 1.7), SeenProof("workers", 1.6, 1.5)) == runs.prior().proofs


def test_a_prior_is_loaded_for_what_a_monitor_sees(tmp_path: Path) -> None:
    """From the file, by sample and reading; where there is no file nothing is known, and none is made."""
    path = tmp_path / "data" / "runs.sqlite"
    sample = STARVED.sample(0)
    assert NOTHING_KNOWN == load_prior(path, BOOT, sample, sample.trainings[0])
    assert not path.parent.exists()

    runs = Runs(path)
    runs.put(
        replace(EARLIER, simulated=False, gpus=tuple(gpu.name for gpu in sample.gpus), usable_cores=None)
    )
    runs.database.close()
    prior = load_prior(path, BOOT, sample, sample.trainings[0])

    assert [2] == [rate.workers for rate in prior.rates]


def test_when_it_began_is_told_on_the_clock_of_the_samples(tmp_path: Path) -> None:
    """What was still seen after that moment is no earlier run, whenever this machine was booted."""
    path = tmp_path / "runs.sqlite"
    sample = STARVED.sample(0)
    training = sample.trainings[0].training
    runs = Runs(path)
    runs.put(
        replace(
            EARLIER,
            directory="/data/yolov5",
            settings=about(workers=1).settings,
            gpus=tuple(gpu.name for gpu in sample.gpus),
        ),
        process=RunProcess("boot-0", 100, 1),
    )
    runs.database.close()
    priors = [
        load_prior(path, BOOT, sample, sample.trainings[0], started={training.id.start_ticks: began}.get)
        for began in (1.7e9 - 100, 1.7e9 + 100)
    ]

    assert [None, 1] == [prior.earlier and prior.earlier.number for prior in priors]


@pytest.mark.parametrize(
    ("damage", "achieved"),
    [
        (
            "UPDATE predictions SET prediction = replace(prediction, 'speedup', 'faster') WHERE run = 2",
            [1.53, 1.52, 1.51],
        ),
        ("UPDATE proofs SET proof = '{}' WHERE run = 2", [1.53, 1.51]),
    ],
)
def test_words_that_are_not_understood_hide_no_run(runs: Runs, damage: str, achieved: list[float]) -> None:
    """A prediction or proof of another gpumon is left out; speed and memory teach as they would."""
    for number in range(1, 4):
        runs.put(rates=(90.0 + number,) * 4, proof=_proof(150.0 + number, earlier=number))
    before = runs.prior()
    _damage(runs, damage)
    after = runs.prior()

    assert (3, 3, [1.53, 1.52, 1.51]) == (
        len(before.memory),
        len(before.rates),
        [proof.achieved for proof in before.proofs],
    )
    assert (before.memory, before.rates) == (after.memory, after.rates)
    assert achieved == [proof.achieved for proof in after.proofs]


@pytest.mark.parametrize(
    "damage",
    ["UPDATE runs SET about = '[]' WHERE id = 2", "UPDATE blocks SET images = 'many' WHERE run = 2"],
)
def test_a_run_that_is_not_understood_teaches_nothing(runs: Runs, damage: str) -> None:
    """The other ones do."""
    for number in range(1, 4):
        runs.put(rates=(90.0 + number,) * 4)
    _damage(runs, damage)
    prior = runs.prior()

    assert [93.0, 91.0] == [rate.images_per_second for rate in prior.rates]
    assert 2 == len(prior.memory)


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    """Who asks is told in one sentence."""
    path = tmp_path / "runs.sqlite"
    path.write_bytes(b"no database at all, but long enough" * 40)
    sample = STARVED.sample(0)

    with pytest.raises(RunsError, match="is damaged or no database"):
        load_prior(path, BOOT, sample, sample.trainings[0])


def _damage(runs: Runs, statement: str) -> None:
    with closing(sqlite3.connect(runs.database.path, isolation_level=None)) as raw:
        assert raw.execute(statement).rowcount > 0
