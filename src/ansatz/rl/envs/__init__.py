"""One file an environment; `names` finds them by the names that users know."""
