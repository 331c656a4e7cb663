"""What comes in over the wire, and what people see."""
