"""A look at one's own molecules: what is odd about their conformers, and a page that shows it."""
