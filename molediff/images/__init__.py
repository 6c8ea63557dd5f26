"""Images: data sets of pixels, and the generator."""
