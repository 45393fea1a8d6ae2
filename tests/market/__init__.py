"""The marketplace, through its public doors."""
