"""`python -m molediff` is the `molediff` command."""

from molediff.commands.main import main

if __name__ == "__main__":
    main()
