"""Where files stand. A place lists, opens, stages and publishes files, and knows nothing of what is in them.

`place` is the contract, `renaming` most of it for places that can rename, `local` the file system. `listing` finds the
files that patterns mean, and `source` reads one file with cut connections resumed, in any place.
"""
