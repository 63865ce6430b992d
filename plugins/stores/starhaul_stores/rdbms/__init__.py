"""Any database that has a SQLAlchemy dialect: what the generic reader and writer share, and those of Oracle and SQL
Server, which are declarations over it.

SQLAlchemy is imported when a job connects, and used for what differs between databases: connecting, reflection,
quoting, the names of types, DDL. Values pass between the driver and Arrow without its type processors, which would take
some of them through floats.
"""
