"""The stage predict, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("predict")

if __name__ == "__main__":
    main()
