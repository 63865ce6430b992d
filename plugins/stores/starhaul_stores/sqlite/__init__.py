"""SQLite: what its reader and its writer share.

One process must never use two SQLite libraries on one file. POSIX drops every lock of a process on a file as soon as
the process closes any descriptor of it, so the second library would drop the first one's locks in silence (SQLite,
"How To Corrupt An SQLite Database File", 2.2.1). The ADBC driver brings its own SQLite beside that of `sqlite3`.
Therefore `connect` is the only way by which the plugins open a database, and it takes the same library every time. A
program that runs jobs as a library and holds `sqlite3` connections to the same file must close them before.
"""
