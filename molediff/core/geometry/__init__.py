"""The geometry of point sets: the space of samples, rotations, shapes."""
