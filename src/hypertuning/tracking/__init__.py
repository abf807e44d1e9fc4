"""How results reach MLflow, and come back."""
