"""What each stage does: the only wiring of the other packages."""
