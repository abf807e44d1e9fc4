"""The stage sync, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("sync")

if __name__ == "__main__":
    main()
