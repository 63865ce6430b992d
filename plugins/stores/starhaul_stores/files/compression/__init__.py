"""How files are packed. `codecs` opens what is packed as a stream of bytes, and packs; the other modules hold what
neither the standard library nor pyarrow has: Hadoop's blocks, LZO, bzip2 from the middle."""
