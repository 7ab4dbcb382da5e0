"""One pass, many spans: an encoder reads each text once, and every figure is a small head on a mean of its token vectors."""
