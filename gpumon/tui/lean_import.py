"""Imports without the parts of other libraries that gpumon never uses: memory is part of its budget."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

# asyncio and hashlib do without OpenSSL where it is missing; gpumon opens no connection. 4.7 MiB, 5 ms.
OPENSSL = ("ssl", "_hashlib")
# plotext's own tests (with unittest) and its documentation browser, and what it takes from them. 4.0 MiB.
PLOTEXT_EXTRAS = {
    "plotext._tests.run": "test",
    "plotext.prettydoc._tests.run": "test",
    "plotext._doc.doc": "docs",
}


@contextmanager
def left_out(*missing: str, hollow: Mapping[str, str] | None = None) -> Iterator[None]:
    """Let imports in this block find no module `missing`, and the modules `hollow` with one name, None.

    Modules that are imported already stay, and afterwards all of them can be imported as ever.
    """
    placed: dict[str, ModuleType | None] = {name: None for name in missing if name not in sys.modules}
    for name, attribute in (hollow or {}).items():
        if name not in sys.modules:
            stand_in = ModuleType(name)
            setattr(stand_in, attribute, None)
            placed[name] = stand_in
    # None is how the import system itself notes a module that cannot be imported.
    sys.modules.update(placed)  # type: ignore[arg-type]  # typeshed leaves None out
    try:
        yield
    finally:
        for name, module in placed.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
