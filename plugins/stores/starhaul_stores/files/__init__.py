"""Files of rows, in separate concerns: where they stand (`places`), what is in them (`formats`), and how they are
read and written as tasks of a run (`reader`, `writer`). A place knows nothing of formats and a format nothing of
places: what passes between them is a `Source` to read from and a `Staging` to write to.

The rest belongs to formats: how text is packed (`compression`) and encoded (`encodings`), how rows stand in it
(`delimited`, `json_records`, `sql_script`), and what the types of others are in Arrow (`avro_types`, `hive_types`,
`parquet_types`).
"""
