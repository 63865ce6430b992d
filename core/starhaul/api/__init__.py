"""The contract that plugins are written against. Nothing here imports the rest of the core.

Plugin authors import these names from `starhaul` itself.
"""
