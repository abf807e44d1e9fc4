"""The stage download, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("download")

if __name__ == "__main__":
    main()
