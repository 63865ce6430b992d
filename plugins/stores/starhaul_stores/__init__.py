"""What the two sides of one store share: connections, types, dialects, paths."""
