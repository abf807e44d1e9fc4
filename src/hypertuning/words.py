"""Numbers with the thing that they count, for messages and reports."""


def counted(count: int, thing: str, several: str = "") -> str:
    """Name a count of things: `1 epoch`, `2 epochs`, `45,000 images`.

    Args:
        thing: In the singular.
        several: Its plural, where that is not `thing` with an s.
    """
    return f"{count:,} {thing if count == 1 else several or f'{thing}s'}"
