"""`python -m battlectl`."""

from battlectl.cli import main

if __name__ == "__main__":
    main()
