"""The command `qbuild`, as a script that `peak.py` can run."""

from qbuild.cli.main import main

if __name__ == "__main__":
    main()
