"""`python -m starhaul` is `starhaul`."""

from __future__ import annotations

from starhaul.cli import main

if __name__ == "__main__":
    main()
