"""A study, from its options to its files in MLflow."""
