"""How a request reaches the target: clients behind one narrow seam, the scripted twin included."""
