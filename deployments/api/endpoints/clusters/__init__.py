"""REST for clusters as Swarms."""
