"""The version, where every module can read it: nothing but users imports the face of the package."""

__version__ = "0.1.0"
