"""From the best trial to a registered model: chosen again, refitted, tested once, and served."""
