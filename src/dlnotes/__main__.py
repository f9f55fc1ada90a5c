"""The command line, as ``python -m dlnotes``."""

from dlnotes.press.cli import main

if __name__ == "__main__":
    main()
