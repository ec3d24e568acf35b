"""What came out: figures, comparisons and the report, for every verb."""
