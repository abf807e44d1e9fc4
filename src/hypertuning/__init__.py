"""Hyperparameter tuning of CIFAR-10 classifiers with Ray Tune, BOHB and MLflow."""
