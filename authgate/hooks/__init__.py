"""The media server's wire format, and only here."""
