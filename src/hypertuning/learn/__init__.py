"""What one trial does: images → model → epochs. Knows neither Ray nor MLflow."""
