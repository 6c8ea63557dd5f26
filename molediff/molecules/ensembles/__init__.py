"""The search for all low minima of a molecule."""
