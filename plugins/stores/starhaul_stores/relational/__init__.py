"""What the readers and writers of relational stores share, whatever the wire: parameters, URLs, names, slices, the
ledger, and the search for rows that a database refuses. No module here imports a driver.

SQLAlchemy is not used: importing it takes as long as a whole small job, and its reflection leaves out what matters here
(generated and invisible columns, collations, grants, index predicates). Each store asks its own catalog.
"""
