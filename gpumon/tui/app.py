"""The dashboard: takes frames from a feed and shows them on the screen that is open."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen

from gpumon.history.window import Window
from gpumon.model.clock import Clock
from gpumon.model.report import AttachState, Report
from gpumon.monitor.finding_watch import FindingWatch
from gpumon.settings import SPANS, Settings
from gpumon.tui.appearance import Appearance
from gpumon.tui.choices import Choices
from gpumon.tui.chosen_app import ChosenApp
from gpumon.tui.keys import APP_BINDINGS
from gpumon.tui.messages import NewsArrived
from gpumon.tui.picture import save_picture
from gpumon.tui.record_switch import RecordSwitch
from gpumon.tui.screens.overview import OverviewScreen
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.span import SPANS_SECONDS, grown_span
from gpumon.tui.widgets.brush import write_cells
from gpumon.tui.widgets.frame import Frame, View

if TYPE_CHECKING:
    from gpumon.monitor.feed import Feed
    from gpumon.recording.writer import Recorder
    from gpumon.tui.replay import Replay

# With --low-bandwidth at most every other second is shown: 2.0 kB/s at 120x40 instead of 3.0.
_LOW_BANDWIDTH_SECONDS = 1.5


def _findings() -> Screen[None]:
    from gpumon.tui.screens.findings import FindingsScreen

    return FindingsScreen()


def _processes() -> Screen[None]:
    from gpumon.tui.screens.processes import ProcessesScreen

    return ProcessesScreen()


def _memory() -> Screen[None]:
    from gpumon.tui.screens.memory import MemoryScreen

    return MemoryScreen()


def _history() -> Screen[None]:
    from gpumon.tui.screens.chart import HistoryScreen

    return HistoryScreen()


def _plan() -> Screen[None]:
    from gpumon.tui.screens.plan import PlanScreen

    return PlanScreen()


class GpumonApp(ChosenApp):
    """The dashboard on one feed. Runs until it is left; its result is the exit code."""

    TITLE = "gpumon"
    CSS_PATH = "app.tcss"
    ALLOW_SELECT = False
    DEFAULT_MODE = "overview"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {
        "overview": OverviewScreen,
        "findings": _findings,
        "processes": _processes,
        "memory": _memory,
        "history": _history,
        "plan": _plan,
    }
    BINDINGS: ClassVar[list[BindingType]] = list(APP_BINDINGS)

    def __init__(
        self,
        feed: Feed,
        settings: Settings,
        clock: Clock,
        look: Appearance,
        *,
        replay: Replay | None = None,
        recorder: Recorder | None = None,
        watch: FindingWatch | None = None,
        choices: Choices | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__(
            replay=replay,
            switch=RecordSwitch(feed, settings, clock, recorder),
            look=look,
            watch=FindingWatch(feed) if watch is None else watch,
            settings=settings,
            environ=environ,
            choices=choices,
        )
        self._feed = feed
        self._clock = clock
        self._view = View(ascii=self.is_ascii, color=look.color, low_bandwidth=settings.low_bandwidth)
        # What the user chose; None grows with what there is to show.
        self._span_seconds: float | None = SPANS.get(settings.span)
        self._began_seconds = 0.0
        self._news: tuple[Report, Window] | None = None
        self._paused = False
        self._has_news = False
        self._state: AttachState | None = None

    @property
    def paused(self) -> bool:
        """Whether the picture is held."""
        return self._paused if self._replay is None else not self._replay.state().playing

    @property
    def frame(self) -> Frame | None:
        """What is shown, or None before the first sample."""
        if self._news is None:
            return None
        report, window = self._news
        now = report.sample.instant
        view = replace(
            self._view,
            ascii=self.is_ascii,
            now_unix_seconds=now.unix_seconds,
            span_seconds=self._span(report),
            replay=None if self._replay is None else self._replay.state(),
            is_recording=self.is_recording,
            moved_keys=tuple(self.moved_keys(self.screen).items()) if self.key_map.moved else (),
        )
        return Frame(report, window, view, self.episodes(now), self.muted)

    def newest_report(self) -> Report | None:
        """Return what the feed knows already, also before the dashboard has begun to listen."""
        return self._feed.report()

    def on_mount(self) -> None:
        """Begin to listen, and show what there is already."""
        # After ctrl+z and fg the terminal is empty, and only what changes would be sent.
        self.app_resume_signal.subscribe(self, self._repaint)
        self.start_tidying()
        # The watch first: with each report what it knows of findings is there.
        self.start_watch()
        self._feed.subscribe(self._news_from_feed)
        self._take_news()

    def on_news_arrived(self) -> None:
        """Show the newest report, unless the picture is held."""
        self._has_news = False
        self.tell_trouble()
        self._take_news()

    def show_frame(self) -> None:
        """Show the frame on the screen that is open."""
        if not self.screen_stack:
            return
        frame = self.frame
        screen = self.screen
        if frame is None or not isinstance(screen, ViewScreen) or not screen.is_mounted:
            return
        with self.batch_update(), screen.brush:
            screen.show(frame)

    def send_cells(self, sent: str) -> None:
        """Send cells of a frame that changed to the terminal; the brush of a screen has painted them."""
        write_cells(self, sent)

    # What keys do.

    async def action_place(self, mode: str) -> None:
        """Go to a place; what was opened on top of it is closed.

        It ends when the place can take keys: those that are typed ahead over a slow link are meant for it.
        """
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if mode != self.current_mode:
            await self.switch_mode(mode)
            if isinstance(self.screen, ViewScreen):
                await self.screen.until_shown()

    async def action_back(self) -> None:
        """Close the screen on top, or go to the overview."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.current_mode != "overview":
            await self.action_place("overview")

    def action_pause(self) -> None:
        """Hold the picture, or let it go on with the newest report."""
        self._paused = not self._paused
        if self._paused:
            self.show_frame()
        else:
            self._take_news()

    def action_span(self, steps: int) -> None:
        """Show more or less time."""
        if self._news is None:
            return
        now = SPANS_SECONDS.index(self._span(self._news[0]))
        self._span_seconds = SPANS_SECONDS[max(0, min(now + steps, len(SPANS_SECONDS) - 1))]
        self.show_frame()

    def action_gpu(self, steps: int) -> None:
        """Show another GPU."""
        frame = self.frame
        if frame is None or frame.gpu is None:
            return
        uuids = [gpu.uuid for gpu in frame.report.sample.gpus]
        index = (uuids.index(frame.gpu.uuid) + steps) % len(uuids)
        self._view = replace(self._view, gpu_uuid=uuids[index])
        self.show_frame()

    def action_candidates(self) -> None:
        """List the trainings to attach to."""
        from gpumon.tui.screens.chooser import ChooserScreen

        if not isinstance(self.screen, ChooserScreen):
            self.push_screen(ChooserScreen())

    def choose(self, pid: int) -> None:
        """Attach to the training with that main PID."""
        self._feed.choose(pid)

    def action_picture(self) -> None:
        """Save the screen as SVG in the current directory."""
        if self.is_readonly:
            self.tell("no picture: gpumon was started with --readonly")
            return
        self.tell(save_picture(self.export_screenshot(title="gpumon"), self._clock))

    def action_sources(self) -> None:
        """Open the list of where each number comes from, or close it."""
        from gpumon.tui.screens.sources import SourcesScreen

        if isinstance(self.screen, SourcesScreen):
            self.pop_screen()
        else:
            self.push_screen(SourcesScreen())

    def action_help(self) -> None:
        """Show all keys."""
        from gpumon.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_leave(self, code: int) -> None:
        """End the dashboard with that exit code."""
        self.exit(code, return_code=code)

    def _repaint(self, _app: App[object]) -> None:
        self.screen.refresh(layout=True)

    def _news_from_feed(self) -> None:
        # Called in the monitor's thread: post_message is the one thing that may be done from there.
        # One at a time: while the terminal stalls the loop stands still, and would collect one a second.
        if self._has_news:
            return
        self._has_news = True
        # After the end its event loop is closed, which is no concern of the monitor's.
        with suppress(RuntimeError):
            self.post_message(NewsArrived())

    def _take_news(self) -> None:
        # News may arrive while the dashboard closes, when its screens are gone already.
        if not self.screen_stack or (self._paused and self._news is not None):
            return
        report, window = self._feed.report(), self._feed.window()
        if report is None or window is None:
            return
        first = self._news is None
        if self._is_too_soon(report):
            return
        self._news = (report, window)
        if first:
            began = window.samples[0].instant.monotonic_seconds
            self._began_seconds = began if self._replay is None else self._replay.state().first_seconds
            self._choose_gpu_of_settings(report)
        self._follow(report.attachment.state)
        self.show_frame()

    def _span(self, report: Report) -> float:
        if self._span_seconds is not None:
            return self._span_seconds
        return grown_span(report, self._began_seconds)

    def _is_too_soon(self, report: Report) -> bool:
        """Tell whether a narrow line is spared this frame: nothing but time has changed since the last."""
        if self._news is None or not self.settings.low_bandwidth or self.is_replay:
            return False
        before = self._news[0]
        seconds = report.sample.instant.monotonic_seconds - before.sample.instant.monotonic_seconds
        return report.attachment.state is before.attachment.state and 0 <= seconds < _LOW_BANDWIDTH_SECONDS

    def _choose_gpu_of_settings(self, report: Report) -> None:
        asked = self.settings.gpu
        for gpu in report.sample.gpus:
            if asked and (asked == str(gpu.index) or gpu.uuid.startswith(asked)):
                self._view = replace(self._view, gpu_uuid=gpu.uuid)

    def _follow(self, state: AttachState) -> None:
        """Open the list when there is a choice to make; once, so that it can be closed."""
        before, self._state = self._state, state
        if state is AttachState.CHOOSING and not self.is_replay and before is not AttachState.CHOOSING:
            self.action_candidates()
