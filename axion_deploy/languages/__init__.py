"""In which language pages, their scripts and messages speak."""
