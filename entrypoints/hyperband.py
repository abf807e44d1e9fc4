"""The stage hyperband, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("hyperband")

if __name__ == "__main__":
    main()
