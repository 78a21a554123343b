"""From a judged run to files and text. Pure: each renderer is a function of the stored document."""
