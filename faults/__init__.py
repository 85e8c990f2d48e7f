"""What CrossWatch does when a service fails: measured with real providers over real sockets."""
