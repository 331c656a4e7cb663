"""Now playing: what plays for whom the visitor may see, told as it changes."""
