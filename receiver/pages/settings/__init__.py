"""The settings of the household, with what a change would do before it does."""
