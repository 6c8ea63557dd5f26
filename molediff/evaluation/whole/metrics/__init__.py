"""What is measured of whole molecules, one question a file."""
