"""Which configurations are trained, and for how long."""
