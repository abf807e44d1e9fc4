"""What each stage does: the only code that joins the other packages."""
