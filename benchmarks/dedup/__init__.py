"""Duplicates found and missed, beside datasketch, rensa and datatrove over the same shingles: `python -m benchmarks.dedup`."""
