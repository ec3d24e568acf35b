"""How large a thing may be before it is refused rather than read into memory."""

LARGEST = 8 << 30
"""Bytes that one table may take in memory or in a file; more is for `Stream`."""

SLACK = 16 << 20
"""Bytes that anything may unpack to, however small it is."""

MOST_RATIO = 500
"""Times that what is larger than `SLACK` may be larger unpacked than packed."""

MOST_MEMBERS = 10_000
"""Members of an archive, arrays of a file."""

MOST_PIXELS = 50_000_000
"""Pixels of one image."""
