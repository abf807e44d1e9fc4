"""The stage bohb, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("bohb")

if __name__ == "__main__":
    main()
