"""What the renderers promise, on scripted battles."""
