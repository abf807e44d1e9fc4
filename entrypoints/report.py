"""The stage report, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("report")

if __name__ == "__main__":
    main()
