"""From coordinates back to bonds and stereo."""
