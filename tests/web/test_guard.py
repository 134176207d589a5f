"""Which requests a server on loopback answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.web.guard import LOOPBACK_HOSTS, refusal

_FOREIGN = "this server answers to localhost only"
_OTHER_PAGE = "this server answers to its own page only"


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1:9000", "[::1]:8000", "localhost", "LOCALHOST:80"]
)
def test_loopback_names_are_answered(host: str) -> None:
    """With any port, for ssh -L may lead another one here; from the page itself, or from no page."""
    assert ("", "") == (refusal(host, None), refusal(host, f"http://{host.lower()}"))


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.nip.io:8000",
        "127.0.0.2:8000",
        "0.0.0.0:8000",
        "10.0.0.7:8000",
        "localhost:port",
        "localhost:8000/x",
        "localhost@evil.example",
        "evil@localhost",
        "localhost?x",
        "local\thost",
        " localhost",
        "ｌocalhost",
        "[::1",
        "[::ffff:127.0.0.1]:8000",
        "l" * 10_000,
    ],
)
def test_other_names_are_refused(host: str | None) -> None:
    """A name that its owner points to loopback (DNS rebinding) is still that name."""
    assert refusal(host, None) == _FOREIGN


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://localhost:8000",
        "http://localhost:3000",
        "http://127.0.0.1:8000",
        "http://localhost:8000.evil.example",
        "null",
        "",
    ],
)
def test_other_pages_are_refused(origin: str) -> None:
    """Those of other servers on this machine too."""
    assert refusal("localhost:8000", origin) == _OTHER_PAGE


@given(host=st.text(max_size=40), origin=st.none() | st.text(max_size=40))
def test_nothing_else_comes_through(host: str, origin: str | None) -> None:
    """Whatever the headers hold, what is answered is a loopback name and its own page."""
    if refusal(host, origin) == "":
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        assert name.strip("[]").lower() in LOOPBACK_HOSTS
        assert origin in {None, f"http://{host}"} or (origin or "").lower() == f"http://{host}".lower()
