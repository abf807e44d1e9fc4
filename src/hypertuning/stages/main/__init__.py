"""All stages, one after the other, as children of one run."""
