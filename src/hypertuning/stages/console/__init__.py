"""What a command prints, and how it was typed."""
