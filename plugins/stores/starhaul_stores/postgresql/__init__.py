"""PostgreSQL, and what speaks its wire: what the reader and the writer share. psycopg is imported on first use."""
