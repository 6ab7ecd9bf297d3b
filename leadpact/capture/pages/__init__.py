"""Pages of capture: entering by hand, imports, keys, and what needs a look."""
