"""Numbers as files of the project hold them: their types and bounds, for pydantic."""

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
"""Of epochs, trials or images, where it is read from a file."""
Measured = Annotated[float, Field(strict=True)]
"""Any number, also one that is not finite."""
Duration = Annotated[float, Field(strict=True, ge=0, le=1e9)]
"""Seconds."""
Timestamp = Annotated[float, Field(strict=True, ge=0, le=9e9)]
"""Unix seconds, until the year 2255: pandas has no dates after 2262."""
