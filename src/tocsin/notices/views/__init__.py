"""Pages of the room. Who may only look sees the same pages without their forms."""
