"""A study as tables and figures: frames of trials and curves → tidy rows → pictures."""
