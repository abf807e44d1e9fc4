"""Types and bounds of the numbers in the project's files, for pydantic."""

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
"""A number of epochs, trials or images."""
Measured = Annotated[float, Field(strict=True)]
"""Any number, also one that is not finite."""
Duration = Annotated[float, Field(strict=True, ge=0, le=1e9)]
"""Seconds."""
Timestamp = Annotated[float, Field(strict=True, ge=0, le=9e9)]
"""Unix seconds, until the year 2255: pandas has no dates after 2262."""
