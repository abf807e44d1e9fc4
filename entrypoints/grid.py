"""The stage grid, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("grid")

if __name__ == "__main__":
    main()
