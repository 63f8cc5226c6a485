"""Changes of clusters."""
