"""The operating system: complete files, caches, processes, memory, checks of arguments."""
