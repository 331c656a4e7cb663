"""The set-up: four steps from an empty ledger to the first play that arrives."""
