"""The same work by many processes and machines: shards of array jobs, and Ray Data."""
