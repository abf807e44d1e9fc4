"""Rows of `tables` → figures: `figures.x` is the function `draw` of the exhibit x.

Never by pyplot: they are drawn in any thread.
"""

from matplotlib.figure import Figure

from hypertuning.report.exhibits import MODULES
from hypertuning.report.views import functions_that_return

globals().update(functions_that_return(Figure, MODULES, "draw"))
