"""What the definitions share: partitions, retry policy, metadata helpers."""
