"""The stage rollback, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("rollback")

if __name__ == "__main__":
    main()
