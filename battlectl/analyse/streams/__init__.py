"""What subscribers got, judged: figures, doubts and words."""
