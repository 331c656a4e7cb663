"""The pages: HTML made on the server, which works without script and is made live by one small module."""
