"""What is in files. A format says what fields a file has, how it can be cut, reads a cut and writes rows, and knows
nothing of where the file stands.

`input` and `output` are the contracts, `named` finds a format by the name that a job gives it.
"""
