"""authgate: the authentication back end for the REST hooks of Flashphoner Web Call Server."""

__version__ = "0.1.0"
