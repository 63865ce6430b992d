"""Job documents: read, resolve, validate, and become a `Job`. Starts nothing and connects to nothing."""
