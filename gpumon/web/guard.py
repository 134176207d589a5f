"""Who may speak to a server on loopback: only pages of its own, and only by a loopback name.

Any page in the user's browser can send requests to a port on loopback, and a name that its owner lets point
there (DNS rebinding) makes them look like requests of the same origin. What tells them apart is the name in
Host and Origin, which a page cannot choose.
"""

from __future__ import annotations

from urllib.parse import urlsplit

# What a browser writes for the loopback addresses that gpumon serves on.
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_CHARACTERS = 255


def refusal(host: str | None, origin: str | None) -> str:
    """Return why a request with these headers is refused, or an empty text.

    The port may be any: `ssh -L` may lead another one here.
    """
    if host is None or _name(f"//{host}") not in LOOPBACK_HOSTS:
        return "this server answers to localhost only"
    if origin is not None and origin.lower() != f"http://{host}".lower():
        return "this server answers to its own page only"
    return ""


def _name(url: str) -> str:
    """Return the host name of a URL, lower case; empty where it is none."""
    # urlsplit drops tabs and line ends, and takes what stands before @ for a user.
    if len(url) > _MOST_CHARACTERS or not (url.isascii() and url.isprintable()) or {"@", " "} & set(url):
        return ""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return ""
    if parts.path or parts.query or parts.fragment:
        return ""
    return parts.hostname or ""
