"""Clusters as Docker Swarms: form, adopt, join, leave, change nodes."""
