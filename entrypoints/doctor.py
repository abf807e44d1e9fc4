"""The stage doctor, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("doctor")

if __name__ == "__main__":
    main()
