"""`gpumon serve` in a real headless Chromium: `python -m tests.bench.browser [--picture FILE]`.

Starts the starved demo, serves its dashboard, opens it as a person would, and drives it over the DevTools
protocol. Prints what was seen and how long it took; exit code 1 where something did not hold. Needs Debian's
package `chromium` (or --chromium PATH).
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gpumon.demo import launch
from tests.e2e.demo_runs import ROOT, environment, scenario

_PATIENCE_SECONDS = 60.0
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
# A page of elsewhere: what it may open of a server on loopback.
_KNOCK = """
new Promise(tell => {
  const socket = new WebSocket(ADDRESS);
  socket.onopen = () => tell("opened");
  socket.onerror = () => tell("refused");
})
"""


@dataclass
class Page:
    """A page of Chromium, driven over the DevTools protocol."""

    socket: aiohttp.ClientWebSocketResponse[bool]
    drawn: str = ""
    frames: int = 0
    received_bytes: int = 0
    asked: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    _number: int = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and return its result. Raises RuntimeError for what Chromium refuses."""
        self._number += 1
        number = self._number
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while (message := await self._next()).get("id") != number:
            pass
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        result: dict[str, Any] = message["result"]
        return result

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        found = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True)
        return found["result"].get("value")

    async def until(self, text: str) -> float:
        """Read until the dashboard has drawn that text; return the seconds it took."""
        began = time.monotonic()
        while text not in _ESCAPES.sub("", self.drawn):
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise TimeoutError(f"{text!r} was not drawn; the page says {self.troubles}")
            await self._next()
        return time.monotonic() - began

    async def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = await self.socket.receive_json(timeout=_PATIENCE_SECONDS)
        parameters = message.get("params", {})
        match message.get("method"):
            case "Network.webSocketFrameReceived":
                response = parameters["response"]
                if response["opcode"] == 2:
                    data = base64.b64decode(response["payloadData"])
                    self.frames += 1
                    self.received_bytes += len(data)
                    self.drawn += data.decode("utf-8", "replace")
            case "Network.requestWillBeSent":
                self.asked.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                self.troubles.append(str(parameters["exceptionDetails"].get("text")))
            case "Log.entryAdded":
                entry = parameters["entry"]
                if entry["level"] == "error":
                    self.troubles.append(f"{entry['text']} {entry.get('url', '')}".strip())
        return message


@contextmanager
def served(pid: int) -> Iterator[str]:
    """Serve the dashboard on a training; yield its address."""
    with subprocess.Popen(
        [sys.executable, "-m", "gpumon", "serve", str(pid), "--port", "0"],
        cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def chromium(program: str, folder: Path) -> Iterator[int]:
    """Run Chromium without a window; yield the port of its DevTools."""
    words = [program, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    words += ["--window-size=1280,800", "--disable-gpu", "--no-first-run", "about:blank"]
    if os.getuid() == 0:
        # Its sandbox refuses root.
        words.insert(1, "--no-sandbox")
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            place = folder / "DevToolsActivePort"
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not (place.exists() and place.read_text(encoding="ascii").count("\n")):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise TimeoutError(f"{program} did not start")
                time.sleep(0.05)
            yield int(place.read_text(encoding="ascii").split()[0])
        finally:
            process.terminate()
            process.wait()


async def look(address: str, port: int) -> tuple[bool, bytes]:
    """Open the address, use it, print what was seen; tell whether all held, and the picture as PNG."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            (target, *_) = [each for each in await answer.json() if each["type"] == "page"]
        async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            page = Page(socket)
            knock = _KNOCK.replace("ADDRESS", json.dumps(f"ws{address.removeprefix('http')}ws"))
            foreign = await page.evaluate(knock)
            for domain in ("Page", "Network", "Runtime", "Log"):
                await page.call(f"{domain}.enable")
            # What was logged so far is the refusal, told of the page before.
            page.troubles.clear()
            began = time.monotonic()
            await page.call("Page.navigate", url=address)
            first = (await page.until("overview")) and time.monotonic() - began
            await page.until("STARVED")
            verdict = time.monotonic() - began
            shown = await page.call("Page.captureScreenshot", format="png")
            await page.evaluate("document.querySelector('.xterm-helper-textarea').focus()")
            page.drawn = ""
            await page.call("Input.dispatchKeyEvent", type="char", text="?")
            key = await page.until("all pictures at once")
            helped = await page.call("Page.captureScreenshot", format="png")
            classes = await page.evaluate("document.body.className")
    elsewhere = [url for url in page.asked if not url.startswith((address, "data:"))]
    checks: list[tuple[str, str, bool]] = [
        ("first frame after", f"{first:.2f} s", True),
        ("verdict STARVED after", f"{verdict:.1f} s", True),
        ("? opens the help after", f"{key:.2f} s", True),
        ("the picture has changed", f"{shown['data'] != helped['data']}", shown["data"] != helped["data"]),
        ("received", f"{page.received_bytes / 1000:.0f} kB in {page.frames} frames", page.frames > 0),
        ("the terminal is shown", f"{classes}", "-first-byte" in str(classes)),
        ("asked of elsewhere", ", ".join(elsewhere) or "nothing", not elsewhere),
        ("errors of the page", "; ".join(page.troubles) or "none", not page.troubles),
        ("a foreign page that knows the address is", str(foreign), foreign == "refused"),
    ]
    for what, found, holds in checks:
        print(f"{'' if holds else 'FAILS '}{what:<42} {found}")
    return all(holds for _, _, holds in checks), base64.b64decode(shown["data"])


def main(arguments: list[str], find: Callable[[str], str | None] = shutil.which) -> int:
    """Run the check and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", default="chromium", help="the browser (default: chromium)")
    parser.add_argument("--picture", type=Path, help="save what the browser shows into this PNG file")
    chosen = parser.parse_args(arguments)
    program = find(chosen.chromium)
    if program is None:
        print(f"there is no {chosen.chromium!r}: apt-get install chromium", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="gpumon-browser-") as folder,
        launch.start(scenario("starved")) as demo,
        served(demo.process.pid) as address,
        chromium(program, Path(folder)) as port,
    ):
        holds, picture = asyncio.run(look(address, port))
    if chosen.picture is not None:
        chosen.picture.write_bytes(picture)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
