"""What a plugin's files hold and its code does, worked out without running any of it."""
