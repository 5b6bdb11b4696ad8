"""How candidates are read: from the index only, over the named sub-queries of `matching`."""
