"""What a command prints, and how the user started it."""
