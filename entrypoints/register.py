"""The stage register, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("register")

if __name__ == "__main__":
    main()
