"""From the best trials of a study to a version of a registered model."""
