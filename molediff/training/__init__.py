"""Training by denoising score matching: one Lightning task, its callbacks and schedules, for every domain."""
