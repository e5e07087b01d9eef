"""What people call from Python: the functions and records behind the names of `import planlake`."""
