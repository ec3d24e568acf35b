"""The command line: one file a verb, found by walking this folder."""
