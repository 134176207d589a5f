"""YOLOv5-shaped trainings of our own on a virtual GPU: simulated, and labelled so."""
