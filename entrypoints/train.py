"""The stage train, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("train")

if __name__ == "__main__":
    main()
