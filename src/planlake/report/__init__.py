"""What is stored, told to people: it reads and changes nothing."""
