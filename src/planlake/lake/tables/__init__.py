"""One Iceberg table: its columns, its data files, its commits, its versions."""
