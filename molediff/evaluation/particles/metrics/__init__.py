"""Metrics of particle samples: one question, one function, one file."""
