"""What a lake on AWS needs beside pyiceberg: clients, the place of its lease, its file systems, its errors."""
