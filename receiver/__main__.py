"""``python -m receiver`` is ``playledger``."""

from receiver.cli import main

main()
