"""MySQL, and what speaks its wire: what the reader and the writer share. PyMySQL is imported on first use."""
