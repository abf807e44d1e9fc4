"""From a stage's options to a finished study in MLflow."""
