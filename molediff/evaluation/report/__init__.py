"""What all reports share: HTML that opens offline, style, text."""
