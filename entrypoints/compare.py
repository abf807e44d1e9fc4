"""The stage compare, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("compare")

if __name__ == "__main__":
    main()
