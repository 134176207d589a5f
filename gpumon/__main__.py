"""The entry point: `gpumon`, also as `python -m gpumon`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from gpumon.cli.app import gpumon

    gpumon(prog_name="gpumon")


if __name__ == "__main__":
    main()
