"""What each command does; `receiver.cli` says how it is called, and imports these only when they run."""
