"""Frames of trials and curves → the tidy rows of each figure, under the figure's name.

`tables.x` is the function `table` of the exhibit x; every other function of the exhibits and of
their neighbours that returns a frame goes by its own name. `trials` holds one row per trial,
`curves` one per trial and epoch, as `tracking.runs` reads them. Losses are in nats per image,
accuracies are fractions of the images, 0 to 1.
"""

import pandas as pd

from hypertuning.report import rungs, trials
from hypertuning.report.exhibits import MODULES
from hypertuning.report.views import functions_that_return

globals().update(functions_that_return(pd.DataFrame, [*MODULES, rungs, trials], "table"))
