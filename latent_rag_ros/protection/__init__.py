"""What happens to one frame: from a raw image to an image in which nobody can be recognised."""
