"""What the user wrote: the model, the located parser, the JSON Schema. Pure: text in, frozen values out."""
