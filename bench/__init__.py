"""Benchmarks: `python -m bench.run`. Each case sets Starhaul beside the tool that the store brings along."""
