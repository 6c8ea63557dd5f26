"""The geometry of point sets: the space of samples, and rotations."""
