"""The stage main, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("main")

if __name__ == "__main__":
    main()
