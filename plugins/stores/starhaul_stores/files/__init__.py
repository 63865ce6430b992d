"""Files of rows, in separate concerns: where they stand (`listing`, `publishing`), how they are packed
(`compression`, `encodings`) and how rows are written in them (`dialect`, `grammar`, `delimited`, `rendering`).

A place knows nothing of formats and a format nothing of places: what passes between them is a stream of bytes.
"""
