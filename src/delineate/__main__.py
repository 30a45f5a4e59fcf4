"""Runs the command line as `python -m delineate`."""

from delineate.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
