"""What all generators share: options of solvers, numbered random numbers."""
