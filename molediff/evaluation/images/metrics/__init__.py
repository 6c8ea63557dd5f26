"""Metrics of images: one question, one function, one file."""
