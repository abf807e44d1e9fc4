"""`python -m hypertuning STAGE --name value …`."""

from hypertuning.cli import main

if __name__ == "__main__":
    main()
