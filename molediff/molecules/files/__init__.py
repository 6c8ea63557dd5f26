"""Molecules from files and into files."""
