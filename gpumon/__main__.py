"""The entry point: `gpumon`, also as `python -m gpumon`."""

from __future__ import annotations

# Objects made before garbage is looked for. Imports make very many that all stay: to look through them every
# 700, as Python does, took 18 % of the CPU time of all imports.
_OBJECTS = 50_000


def main() -> None:
    """Run the command line."""
    import gc
    import signal

    # Ctrl-C while the first modules are loaded ends it as it ends any other program: without a traceback.
    is_python_s = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_python_s:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(_OBJECTS)
    from gpumon.cli.app import gpumon
    from gpumon.cli.streams import open_closed

    open_closed()
    if is_python_s:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    gpumon(prog_name="gpumon")


if __name__ == "__main__":
    main()
