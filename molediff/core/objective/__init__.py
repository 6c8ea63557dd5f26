"""What is minimized: denoising score matching, its weights, its times, and how noise meets data."""
