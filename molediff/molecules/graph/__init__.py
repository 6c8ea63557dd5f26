"""A molecule as a graph of tensors."""
