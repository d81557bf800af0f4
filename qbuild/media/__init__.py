"""Pictures and videos: read within bounds, spoiled by seed, written the same way twice."""
