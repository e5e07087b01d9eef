"""What people do to a lake on purpose: undo, rebuild, promote, forget, recover."""
