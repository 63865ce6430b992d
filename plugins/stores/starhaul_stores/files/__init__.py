"""Files of rows, in separate concerns: where they stand (`places`), what is in them (`formats`), and how they are
read and written as tasks of a run (`reader`, `writer`). A place knows nothing of formats and a format nothing of
places: what passes between them is a `Source` to read from and a `Staging` to write to.

The rest belongs to formats that are text: how they are packed (`compression`, `encodings`) and how rows are written in
them (`dialect`, `grammar`, `delimited`, `rendering`).
"""
