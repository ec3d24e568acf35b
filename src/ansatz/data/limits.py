"""How large a thing may be before it is refused rather than read into memory."""

LARGEST = 8 << 30
"""Bytes that one table may take in memory or in a file; more is for `Stream`."""

MOST_RATIO = 2000
"""Times that a compressed member may be larger unpacked than packed."""

MOST_MEMBERS = 10_000
"""Members of an archive, arrays of a file."""

MOST_PIXELS = 50_000_000
"""Pixels of one image."""
