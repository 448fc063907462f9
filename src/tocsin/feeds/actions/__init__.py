"""Every write of the room: `findings` is what people say, `runs` what the engine found."""
