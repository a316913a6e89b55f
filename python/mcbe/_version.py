"""The version of the package, which must be that of libmcbe."""

__version__ = "0.1.0"
