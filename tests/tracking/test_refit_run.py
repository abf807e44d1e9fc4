"""Claims about the run of a refit."""

import math

from records import row

from hypertuning.tracking.refit_run import log_epochs


def test_what_needs_images_for_validation_is_not_sent_and_twice_changes_nothing(client, study_id):
    held_out = dict.fromkeys(("val_loss", "val_accuracy", "generalization_gap"), math.nan)
    rows = [{**row(epoch), **held_out, "of a newer version": None} for epoch in (1, 2)]
    for _ in range(2):
        log_epochs(client, study_id, rows)
    assert client.get_run(study_id).data.metrics.keys() == {
        "train_loss",
        "train_accuracy",
        "learning_rate",
        "epoch_seconds",
        "images_per_second",
    }
    points = client.get_metric_history(study_id, "train_loss")
    assert [(point.step, point.value) for point in points] == [(1, 2.0), (2, 1.0)]
