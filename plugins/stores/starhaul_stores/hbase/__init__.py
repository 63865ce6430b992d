"""What the two sides of HBase share: its Thrift servers and their errors, values as Java's `Bytes` writes them."""
