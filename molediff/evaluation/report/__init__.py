"""What all reports share: HTML that opens offline, style, text."""

from molediff.runtime.extras import require

require("matplotlib", "A report")
