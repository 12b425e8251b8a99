"""Hashes of "password" by which the start proves that every scheme works with the libraries that are installed."""

from collections.abc import Iterable, Iterator

from authgate.passwords.spellings import read

# At the least cost that each scheme takes. How such hashes are made elsewhere stands in tests/passwords/vectors.py.
KNOWN = {
    "argon2": "$argon2id$v=19$m=8,t=1,p=1$vvd+z/n/nzMG4DzHOCeEEA$KqfogIvuyHmJZ6gItd0ETebajS2ZS05DpEPOZ+n36tA",
    "bcrypt": "$2b$04$m/TSfY31AM9O4VU2EN6z4ek85iDn37QO1Sm0OmgT0hg7gbRiQ.Mwy",
    "bcrypt_sha256": "$bcrypt-sha256$v=2,t=2b,r=5$q2xne2r.q0duODkyhmDgWu$O1s7QDEVSj61PwWN3LFk.JkmkSQXUjG",
    "bcrypt_django": "bcrypt_sha256$$2b$05$Z8YxDhqPlDX//JJSb4f2v.qoJGWsCpQHzAeRnGM2ujbBIdH0SI6XW",
    "bcrypt_wordpress": "$wp$2y$05$4Q2fFyLwlPnYKf364e3AWeSpJwc39iATts.16Ee9QFSEz7Nc6WuQS",
    "pbkdf2_sha1": "$pbkdf2$1$9z5nrDVmjBFiLMWYsxbCeA$ZU.nlEVwHKzWD5KHwE6q7Fb0TZE",
    "pbkdf2_sha256": "$pbkdf2-sha256$1$WytFaE2Jcc55bw2hlBLiPA$ZFgDBeHNN4LQdS/csHSvhR5KzSdOm7.rxbF9vJxXP2g",
    "pbkdf2_sha512": "$pbkdf2-sha512$1$EcL4nzNmLOXc.x.jdK4VQg$WoHpgFa.F2XcYCMcIwFl5yaPIjEt/sTv5gYT17BdJYZJ16IeBEYdG8"
    "bZXsrc0tq3M6kTxjp7Wor85QEFy4PNCg",
    "scrypt": "$scrypt$ln=1,r=8,p=1$yzln7L1XilEq5VwrhRBCyA$bXu6t545RWuiHyMTWtRiQvmgbRWvX19QHlcfatSOJaQ",
    "sha512_crypt": "$6$rounds=1000$KwvlMZhvAt8u2Bh8$ZIHpCwKAQXNIIVvrTNM88KO4stNPRgT4FMGI9xuTGJT3p9nYqlbE119C/w8XT0"
    "BwP9hKry75XNklg/tY7Az1c/",
    "sha256_crypt": "$5$rounds=1000$vEyWDoT8oz58G5dN$axuXsetZOuowSc2rOvxfFLaJ6tCYB0f8DC4/bTx9Ru/",
    "md5_crypt": "$1$gOvhaM6B$7LUihmxhvL0yErBfzaL7i1",
    "phpass": "$P$5tCg99XmWQNnRVgeJ7HUCd049oQLfN/",
    "drupal7": "$S$5OV1HiUjRV8OpgoFhd8BkgY/3gRBIc39F.r9B9BJ2ZXFNIGmjB23",
    "ldap_smd5": "{SMD5}uu01/D3gcDq1Tlr2zvYQc1SmLdD2nxm2",
    "ldap_ssha": "{SSHA}r/wGBz34AnP+GsEALj0a7eTxi6FNcCnf9GDn8w==",
    "ldap_ssha256": "{SSHA256}TUtJKdoJfaUQE0p05FLDcCSOECM+FsR6I3NQWzMEM1s3mXvHwwEHCQ==",
    "ldap_ssha512": "{SSHA512}uXG33PHaTjMLz8NMMNbjU8UMwfK/hIG58Ja3G5m/OA566KPk3wnr7YUUTL30fn7C2blWfdFh8Kv/bDkC72gehP"
    "ptuFXQX1Nl",
    "django_md5": "md5$b1f395262073$e5dc2db125ddea86c9aa5a99d5cc004e",
    "django_sha1": "sha1$63c122c0acb5$4c6982b599de2afc070c6d77c93b8872f22d8385",
    "mysql41": "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
    "unsalted_md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "unsalted_sha1": "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    "unsalted_sha256": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
}


def faults(schemes: Iterable[str]) -> Iterator[str]:
    """Each of these schemes that does not tell right from wrong passwords here, and why."""
    for scheme in schemes:
        try:
            found = read(KNOWN[scheme])
            works = found is not None and found.opens(b"password") and not found.opens(b"Password")
            why = "it tells right from wrong passwords badly"
        except Exception as fault:
            works, why = False, f"{type(fault).__name__}: {fault}"
        if not works:
            yield f"{scheme} does not work here ({why})"
