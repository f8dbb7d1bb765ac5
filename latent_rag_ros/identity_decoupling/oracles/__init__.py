"""Face-recognition networks that judge whether a face still shows the same person."""
