"""Hashes that other programs made, each with how; ``ASCII`` was typed for the first of a row, ``OTHER`` for the second.

The commands print another salt each time. ``$P`` stands for the password. None of the programs shares code with
libpass; where the maker of a form is not at hand, its published algorithm was run by PHP (that is: crypt, hash,
hash_hmac and password_hash of PHP 8.2). Django alone computes argon2 and bcrypt as is done here: of it, those show the
spelling.
"""

from typing import NamedTuple

ASCII = "password"
OTHER = "pässwörd ☃"


class Vector(NamedTuple):
    """One form of hash."""

    scheme: str
    legacy: str  # what hashing.legacy must list
    ascii: str
    other: str


VECTORS = {
    # php -r 'echo password_hash($P, PASSWORD_ARGON2ID, ["memory_cost" => 1024, "time_cost" => 1, "threads" => 1]);'
    "argon2id of PHP": Vector(
        "argon2",
        "",
        "$argon2id$v=19$m=1024,t=1,p=1$cGp4S2pRbTJhM1c2UVRpcg$KFfNVuMxj5zIUlAdVW25paujbeBgfb/zs+fHadsQw+c",
        "$argon2id$v=19$m=1024,t=1,p=1$TnpyLnNsTHBXUndqQ3guYg$rhE6ANke/qS8CD+XyyJ0mlSfkQH6H/Ezxfn+E+EJrkA",
    ),
    # the same with PASSWORD_ARGON2I and "time_cost" => 2
    "argon2i of PHP": Vector(
        "argon2",
        "",
        "$argon2i$v=19$m=1024,t=2,p=1$aUNYMnQvNTM1bkM3cUVtVQ$GBJbIIn4lEj+Vk+6pqUE4Y/omDIP8kwhELgmFK//3Xw",
        "$argon2i$v=19$m=1024,t=2,p=1$U09DYjlTbUxab1FUd1hXZA$agbLt10ow5Hbm07QehSf0yNZDYCLt3m3yhbTGVyBCLw",
    ),
    # printf %s "$P" | argon2 somesalt1234 -d -v 13 -t 1 -k 1024 -p 1 -l 32 -e
    "argon2d": Vector(
        "argon2",
        "",
        "$argon2d$v=19$m=1024,t=1,p=1$c29tZXNhbHQxMjM0$rzEXG2y+VJd3YeUfeG0o8i1UYTeii/3ZusVWMASKlp0",
        "$argon2d$v=19$m=1024,t=1,p=1$c29tZXNhbHQxMjM0$O25YaBSs8sSqSvFD9b+K1AZlmohmNQHuN3HR9tokveo",
    ),
    # printf %s "$P" | argon2 somesalt1234 -i -v 10 -t 1 -k 1024 -p 1 -l 32 -e
    "argon2i, version 1.0": Vector(
        "argon2",
        "",
        "$argon2i$v=16$m=1024,t=1,p=1$c29tZXNhbHQxMjM0$1kgEug+YrpgksP3PCYakFR/BEqb1yObHDTe/OcLkpsM",
        "$argon2i$v=16$m=1024,t=1,p=1$c29tZXNhbHQxMjM0$3+Iqv9wBd66KvMqpT7jgWgy4Why7lab4/QmaXM1zjOk",
    ),
    # the same: the reference program of 2015 did not write the version
    "argon2i, version not told": Vector(
        "argon2",
        "",
        "$argon2i$m=1024,t=1,p=1$c29tZXNhbHQxMjM0$1kgEug+YrpgksP3PCYakFR/BEqb1yObHDTe/OcLkpsM",
        "$argon2i$m=1024,t=1,p=1$c29tZXNhbHQxMjM0$3+Iqv9wBd66KvMqpT7jgWgy4Why7lab4/QmaXM1zjOk",
    ),
    # Django 5.2, Argon2PasswordHasher with memory_cost 1024, time_cost 1, parallelism 1
    "argon2 of Django": Vector(
        "argon2",
        "",
        "argon2$argon2id$v=19$m=1024,t=1,p=1$MlFCMlU0bElPbXgz$RfSGw1Yvo9YIEos/Lza3Jz3V6p3Gs1VFZtMsjv2Hl/k",
        "argon2$argon2id$v=19$m=1024,t=1,p=1$Q3VBd0l3bmdoYWwy$VG4HEvfa7QfWK5ZHwcFNDncKWw5+LugdU31tlZ41xYg",
    ),
    # as "argon2id of PHP", with the word that OpenLDAP's module argon2 writes in front
    "argon2 of LDAP": Vector(
        "argon2",
        "",
        "{ARGON2}$argon2id$v=19$m=1024,t=1,p=1$cGp4S2pRbTJhM1c2UVRpcg$KFfNVuMxj5zIUlAdVW25paujbeBgfb/zs+fHadsQw+c",
        "{ARGON2}$argon2id$v=19$m=1024,t=1,p=1$TnpyLnNsTHBXUndqQ3guYg$rhE6ANke/qS8CD+XyyJ0mlSfkQH6H/Ezxfn+E+EJrkA",
    ),
    # php -r 'echo crypt($P, "\$2a\$05\$m/TSfY31AM9O4VU2EN6z4e");'
    "bcrypt 2a": Vector(
        "bcrypt",
        "",
        "$2a$05$m/TSfY31AM9O4VU2EN6z4eHeBgARp2xmI4asQvtwAfK5njrOVCU7m",
        "$2a$05$m/TSfY31AM9O4VU2EN6z4ejvkiwgKHh3gkE1ILbJDIqkU8h/D.kgS",
    ),
    # perl -e 'print crypt($ARGV[0], q($2b$05$m/TSfY31AM9O4VU2EN6z4e))' "$P" (libxcrypt)
    "bcrypt 2b": Vector(
        "bcrypt",
        "",
        "$2b$05$m/TSfY31AM9O4VU2EN6z4eHeBgARp2xmI4asQvtwAfK5njrOVCU7m",
        "$2b$05$m/TSfY31AM9O4VU2EN6z4ejvkiwgKHh3gkE1ILbJDIqkU8h/D.kgS",
    ),
    # php -r 'echo password_hash($P, PASSWORD_BCRYPT, ["cost" => 5]);', as Laravel and phpBB 3.1 do
    "bcrypt 2y of PHP": Vector(
        "bcrypt",
        "",
        "$2y$05$a2gZGNsr3pfFZzoVjLQvce6BY747MKQVhr2tLAiysklVvqTTEQ5si",
        "$2y$05$pauJqXlQqUzpxwWhxrb3DelzuG7xSVgd3RSrXRtTc0ch3LiE483WS",
    ),
    # htpasswd -nbB -C 5 u "$P", Apache 2.4
    "bcrypt 2y of htpasswd": Vector(
        "bcrypt",
        "",
        "$2y$05$5nENStHNq4q02.MRkBbt1OvO9TeFUEVCiXbLj1FqP/dvaVPmk3fNa",
        "$2y$05$77QaMzYqFlUlnhcDQPGJ1e9A6gspeelGoaCa0y3pujrJOB3hsv31.",
    ),
    # Django 5.2, BCryptPasswordHasher with rounds 5
    "bcrypt of Django": Vector(
        "bcrypt",
        "",
        "bcrypt$$2b$05$l5kqpOdvsjk57mSIVzEmy.XxFkLw1h/.JhdKDmgERdSwi1t0KgXJC",
        "bcrypt$$2b$05$k/.pxlsMqOc8A0JAHW..POs2Ps2sSRttskzfR2HaMA9eXnRVYgDWS",
    ),
    # as "bcrypt 2a", with the word of RFC 2307 in front
    "bcrypt of LDAP": Vector(
        "bcrypt",
        "",
        "{CRYPT}$2a$05$m/TSfY31AM9O4VU2EN6z4eHeBgARp2xmI4asQvtwAfK5njrOVCU7m",
        "{crypt}$2a$05$m/TSfY31AM9O4VU2EN6z4ejvkiwgKHh3gkE1ILbJDIqkU8h/D.kgS",
    ),
    # Django 5.2, BCryptSHA256PasswordHasher with rounds 5
    "bcrypt_sha256 of Django": Vector(
        "bcrypt_django",
        "",
        "bcrypt_sha256$$2b$05$Z8YxDhqPlDX//JJSb4f2v.qoJGWsCpQHzAeRnGM2ujbBIdH0SI6XW",
        "bcrypt_sha256$$2b$05$Ng5D190rlzYphn7ZtOgpjO5XBHq533fB.mjYWiUsVd3t0wA8I75X6",
    ),
    # PHP: crypt(base64_encode(hash_hmac("sha256", $P, $salt, true)), "\$2y\$05\$$salt"), spelled as passlib 1.7.3 does
    "bcrypt_sha256 of passlib": Vector(
        "bcrypt_sha256",
        "",
        "$bcrypt-sha256$v=2,t=2b,r=5$q2xne2r.q0duODkyhmDgWu$O1s7QDEVSj61PwWN3LFk.JkmkSQXUjG",
        "$bcrypt-sha256$v=2,t=2b,r=5$38iIm0qcOEG51NxNtOm7Mu$bkwYKCJRdU7NWE1uNBO6iclatEX2/fe",
    ),
    # PHP: crypt(base64_encode(hash("sha256", $P, true)), "\$2a\$05\$$salt"), spelled as passlib 1.6 did
    "bcrypt_sha256 of passlib, version 1": Vector(
        "bcrypt_sha256",
        "",
        "$bcrypt-sha256$2a,5$q2xne2r.q0duODkyhmDgWu$ZJV8l3aPGE8Te11k0MORSrhv3HDc2wi",
        "$bcrypt-sha256$2a,5$38iIm0qcOEG51NxNtOm7Mu$17qJNWDxA9LrN5YchnfBkHDJ2gI5awG",
    ),
    # PHP, as wp_hash_password of WordPress 6.8 with cost 5:
    # "\$wp" . password_hash(base64_encode(hash_hmac("sha384", $P, "wp-sha384", true)), PASSWORD_BCRYPT, ["cost" => 5])
    "WordPress 6.8": Vector(
        "bcrypt_wordpress",
        "",
        "$wp$2y$05$4Q2fFyLwlPnYKf364e3AWeSpJwc39iATts.16Ee9QFSEz7Nc6WuQS",
        "$wp$2y$05$RshCk3SpCYXat8coTBJApODkRDfiRORhCoMmTUyi7cpVM5PeQYsbK",
    ),
    # node: crypto.pbkdf2Sync(P, salt, 10000, 20, "sha1"), spelled as passlib does
    "pbkdf2 sha1 of passlib": Vector(
        "pbkdf2_sha1",
        "",
        "$pbkdf2$10000$o4RxTPHxYB09gZLaEbyVRA$FtmIpk3j9e.4sdAMqkaO2llWYF8",
        "$pbkdf2$10000$o87pC/MJYIlYf9oURBLEmA$whcPtOzQe8kitdKoXngzpDnMiFQ",
    ),
    "pbkdf2 sha256 of passlib": Vector(
        "pbkdf2_sha256",
        "",
        "$pbkdf2-sha256$10000$kLdtCbfGnDpsIkG7K7E5Eg$HzQM7Ta.ShjxiLPisP/eXRfFg1FM9.KH0T6TgWaVAfY",
        "$pbkdf2-sha256$10000$o294D29jdRRMCwLzBVz/lw$qR.EGVphv0ElYBpvptlfzoy.2FUx9y0ZVNuK6z8Hq7g",
    ),
    "pbkdf2 sha512 of passlib": Vector(
        "pbkdf2_sha512",
        "",
        "$pbkdf2-sha512$10000$gqXAVNNwMIWxIaflrane.g$WblQW2GR0RHIETlopluQvqpOTr/54cXJSLyZjwG1i2kjT0roQqZ9RUgLDHN6LSVViLq2"
        "ugzKUDs2lpPh72y2aQ",
        "$pbkdf2-sha512$10000$3fG6JBcSmfbYHlSMf/Bm4Q$H/TUdg8Jcd6Qml8Uewgur9I0noZg8IQXDpx53FfaSOhRDLKzb0DwugXuP1y3UGrxjcjs"
        "gwFG2Enr3dh.cHvXww",
    ),
    # node, as before, spelled as OpenLDAP's module pbkdf2 does
    "pbkdf2 sha1 of LDAP": Vector(
        "pbkdf2_sha1",
        "",
        "{PBKDF2}10000$eHMrSYVW8uJ942nNz2vsBA$TG3t/zNVwzvy.bc1jG81LHxswRY",
        "{PBKDF2-SHA1}10000$6ju3JYD6a9a9lyso3Si2Xg$cUiAjBeNDYHQwfa2CBw9ohphjNE",
    ),
    "pbkdf2 sha256 of LDAP": Vector(
        "pbkdf2_sha256",
        "",
        "{PBKDF2-SHA256}10000$tYfa2FZ1SEItoPYiI4vBog$gwRuaqh2G4PKU/UAiiFYrxXEdTJ49xJRTrRDKLOQs6Q",
        "{PBKDF2-SHA256}10000$e0.Ie/V6fPPJVI5eNgW6rA$RclEm6MOtv3Wu.AM2wKGraY5sqNJlRCOCEDwFzu4X4c",
    ),
    "pbkdf2 sha512 of LDAP": Vector(
        "pbkdf2_sha512",
        "",
        "{PBKDF2-SHA512}10000$J.JduRh1B8SFNpPNgqK4BQ$erT6kO76mpqk0ivN8f59bWk36qKSklpgdov/7psBhb97smRk1GH8Il97XbMsFwK.bkv5"
        "g0W0BkVm97/qYuefJw",
        "{PBKDF2-SHA512}10000$KyXHkeGq4l52EKt8.JimXA$TNaaMixFS4RW0nznIxtP2p8ZK6lmOtzAkECsbnKrIVoJ1y2JvDql5i7IiCjtDQkAl73f"
        "Uc02oty9oaRIab2BHA",
    ),
    # Django 5.2, PBKDF2PasswordHasher and PBKDF2SHA1PasswordHasher, encode(P, salt, 10000)
    "pbkdf2 sha256 of Django": Vector(
        "pbkdf2_sha256",
        "",
        "pbkdf2_sha256$10000$rfcTLBUptofs$pH3IlMJ/ghi2BzNEvk+vIshhqfrf3rovoQI319j32xI=",
        "pbkdf2_sha256$10000$jsfonm3TZYP2$+1+4ZkYz6eKmU6l0BWwgVmhktVCtcDwquCwcfAOJ5mg=",
    ),
    "pbkdf2 sha1 of Django": Vector(
        "pbkdf2_sha1",
        "",
        "pbkdf2_sha1$10000$8qydpFI6Tbjy$uqDUvmACe5sx0xbAFohOKxVYY1M=",
        "pbkdf2_sha1$10000$TlGJ8NeOCrVC$Hl1QIKdadwdaIb4+vSR4ifKaUeM=",
    ),
    # Werkzeug 3.1, generate_password_hash(P, "pbkdf2:sha1:10000"), and so on
    "pbkdf2 sha1 of Werkzeug": Vector(
        "pbkdf2_sha1",
        "",
        "pbkdf2:sha1:10000$FFFUTlJy7xjEOGc4$fe0afc7845cbcc6d401971db681078998f7ada74",
        "pbkdf2:sha1:10000$3BbAuNiQ3izsxWzE$cda49d0ed9e9ec0b11b7dbbaac91b70d9d9dc38b",
    ),
    "pbkdf2 sha256 of Werkzeug": Vector(
        "pbkdf2_sha256",
        "",
        "pbkdf2:sha256:10000$2wIBIUcX5bNyy5WS$37c0ec08d07f2ced6a8f3cb551b29e4fc0b731291ffc21324686836d38660762",
        "pbkdf2:sha256:10000$dUhDRMNy6EVNHaYq$3873b67279692da9f3d64d4227dd5f326be75a42d6aeeecc06df6435d3774b87",
    ),
    "pbkdf2 sha512 of Werkzeug": Vector(
        "pbkdf2_sha512",
        "",
        "pbkdf2:sha512:10000$IBaLLFWYf0l457X0$33abc16d51dbba1ce1f784e106238888e3c88ed0fc281fcc54fb5fc3afbe28f4b6c5d8a38c2"
        "8b3eef9a1515c9a618114f8e33f82487e3afb0c861fa1d014a1cb",
        "pbkdf2:sha512:10000$Qi7UTdLD7HiRJ9SG$86ce4f5c6e0183db870fc0e093c4c94365999f252e261c2e7cb77c1bf5b3c8004e62ee31b48"
        "c7b2ded605988a358c24f464b83ec4ae4f69998acc31e69a38bdc",
    ),
    # node: crypto.scryptSync(P, salt, 32, {N: 1024, r: 8, p: 1}), spelled as passlib does
    "scrypt of passlib": Vector(
        "scrypt",
        "",
        "$scrypt$ln=10,r=8,p=1$5/S9C8mwSylFDzYGZETIFQ$uFHBs/+AaYkvZTd4QUKIfGZKxBB7QUBr95w6WFNdTiE",
        "$scrypt$ln=10,r=8,p=1$5DfEgeO1tCtzXIQC1adCZA$JSw9e2/SbZZZv9E7HRaMydgDMPhvpcGDQJseTcNCUNo",
    ),
    # Django 5.2, ScryptPasswordHasher, encode(P, salt, n=1024)
    "scrypt of Django": Vector(
        "scrypt",
        "",
        "scrypt$1024$5CnTTLBtQHqo$8$5$vcRqlEndE4jZ2OvCrJYK8zek99abNQ6J5xJ/u/aUzaoUQTm7v9F71cYPKpLf5fCQU/FNyZfKvZTpDW4VzRu"
        "IAA==",
        "scrypt$1024$kQVhyPS3LyrC$8$5$27XRdw02PhykEOx0+oKuIklISkthhNZrtKIPeW4L7RnHRbREoZvBWoCOMXehTb4JMpsHr7bbuYBKPSUoMDF"
        "0fA==",
    ),
    # Werkzeug 3.1, generate_password_hash(P, "scrypt:1024:8:1")
    "scrypt of Werkzeug": Vector(
        "scrypt",
        "",
        "scrypt:1024:8:1$9iqhlz5MdClF66cp$751b5579858bebfe82f1d08aeef45068e70022ed4c93791403cded48959f55c44ba959a195e7062"
        "afc949e9c99f052ddeefd2c22b9317892d6e550d0b44e80d2",
        "scrypt:1024:8:1$2FDKi7WBiYm1pUkW$efd36cd3dcb87325933dbca5529c486548112d0a0d5dc5a108dced88b8b19f5bf4f5d9dd2e5fc17"
        "c99900ff15c278cb686372e48d86f5a4d63b178e886551679",
    ),
    # openssl passwd -6 "$P"
    "sha512_crypt": Vector(
        "sha512_crypt",
        "",
        "$6$4cUVGjtxorhHMBId$.hswM/tJ6D09u0OofveJ.2p8sxeKCfoGS2YaSsn2g5Mu9znBZE4q6xaMBG/euGnUQ8ibG.TP5oz80D45ViMUs1",
        "$6$kbD4P0hp0Rn5WkDJ$hugi9vyBmteV2YEz9ybMFF06BXZDWnYJWaoWrFFZ2QNS.ltipnHuhYtHxkf5aSaDmfrtteQtdAyIi/HUpIr661",
    ),
    # mkpasswd -m sha512crypt -R 1000 "$P" (libxcrypt)
    "sha512_crypt with rounds": Vector(
        "sha512_crypt",
        "low_cost",
        "$6$rounds=1000$fTzB2jhhHWrK8.33$TaKgClUFRt.23hSK0BRjkjpFft2jcDz5okhAIAOWrXEBi5Nb2HbA98X.CKIIjv8C/6XfFqTgTIchP80"
        "6Ll5RC1",
        "$6$rounds=1000$tQNJ2Llflz3bQuUJ$moFm40P0bU2026fEftjMur8gXSkJvjNa7hzjNpLaK/2bYPDPxqwDtt088wgFG9Q6qd6HePTJhAzwoFF9"
        "BEfG5.",
    ),
    # as the first, with the word of Dovecot in front
    "sha512_crypt of Dovecot": Vector(
        "sha512_crypt",
        "",
        "{SHA512-CRYPT}$6$4cUVGjtxorhHMBId$.hswM/tJ6D09u0OofveJ.2p8sxeKCfoGS2YaSsn2g5Mu9znBZE4q6xaMBG/euGnUQ8ibG.TP5oz80D4"
        "5ViMUs1",
        "{SHA512-CRYPT}$6$kbD4P0hp0Rn5WkDJ$hugi9vyBmteV2YEz9ybMFF06BXZDWnYJWaoWrFFZ2QNS.ltipnHuhYtHxkf5aSaDmfrtteQtdAyIi/H"
        "UpIr661",
    ),
    # openssl passwd -5 "$P"
    "sha256_crypt": Vector(
        "sha256_crypt",
        "sha256_crypt",
        "$5$qpl4gZeEToG6vqXs$0yo1S.T4p6tmLpYaY5gct4QJTJ9io21Hl1VeCk27lt2",
        "$5$x0UbwCKJMhE7Tvee$o4sVZZ5edQ760FnIJWbJ52fTO6CUCl/3P8oDymNwx86",
    ),
    # htpasswd -nb2 -r 1000 u "$P", Apache 2.4
    "sha256_crypt of htpasswd": Vector(
        "sha256_crypt",
        "sha256_crypt",
        "$5$rounds=1000$GZvJN3nd0Kk.Qggt$H2EL4kzw5wYt7pTb6yMf/fnhqr4HlWEh1kz8i2/yMV7",
        "$5$rounds=1000$r0fygdLecwJhrTZh$rN3TmB4jCwSyoL9ZGDos6YobxG1erGQ9jV4ywu1vUX4",
    ),
    # openssl passwd -1 "$P"
    "md5_crypt": Vector(
        "md5_crypt", "md5_crypt", "$1$gOvhaM6B$7LUihmxhvL0yErBfzaL7i1", "$1$9DWfoyTs$oxnke87MYyMeckfyOs1iR0"
    ),
    # htpasswd -nbm u "$P", Apache 2.4
    "apr1": Vector(
        "md5_crypt", "md5_crypt", "$apr1$Ig7cukW0$lSUIvQlJ7VM6W3VuDmor90", "$apr1$haBTD.4U$HT1mc2hK/kohtnQZcllL11"
    ),
    # PHP, the algorithm of openwall.com/articles/PHP-Users-Passwords with 2**7 rounds: WordPress before 6.8
    "phpass": Vector("phpass", "phpass", "$P$5tCg99XmWQNnRVgeJ7HUCd049oQLfN/", "$P$5GdDjtQ.9TBuUdwPKbvwM9BToOLldP0"),
    # the same: phpBB 3.0
    "phpass of phpBB": Vector(
        "phpass", "phpass", "$H$5ey7h5KbZ9zqmot4I2kGzTJsvkQoDt.", "$H$5KeVGOYgCr0AnUh/abVbk8Pv2B7PiE1"
    ),
    # PHP, the algorithm of _password_crypt in Drupal 7 with 2**7 rounds
    "Drupal 7": Vector(
        "drupal7",
        "drupal7",
        "$S$5OV1HiUjRV8OpgoFhd8BkgY/3gRBIc39F.r9B9BJ2ZXFNIGmjB23",
        "$S$5eMmMyk4wjoXP7jEk9MH6.V2fkdVdUCpW2JY5G2X9A7ML7Wk920B",
    ),
    # the same over md5($P), as a site that came from Drupal 6 has
    "Drupal 7 of Drupal 6": Vector(
        "drupal7",
        "drupal7",
        "U$S$5RPKLs8ZUk9iFeFj53oeJndJC.bcvPjXRiup0yko87wOZwIgzK8U",
        "U$S$5FZomE2ui56aHcb1QecFVteryZ/gPWVYL5h67N/Krw/2K8w6Nucj",
    ),
    # PHP: base64_encode(hash("sha1", $P . $salt, true) . $salt), and so on, as OpenLDAP's faq 347
    "SSHA": Vector(
        "ldap_ssha",
        "salted_digest",
        "{SSHA}r/wGBz34AnP+GsEALj0a7eTxi6FNcCnf9GDn8w==",
        "{ssha}sgeVV7QaYX0R5RwubEGv1C1rHHdke6JEJBLspA==",
    ),
    "SSHA256": Vector(
        "ldap_ssha256",
        "salted_digest",
        "{SSHA256}TUtJKdoJfaUQE0p05FLDcCSOECM+FsR6I3NQWzMEM1s3mXvHwwEHCQ==",
        "{SSHA256}wK5UkTCFHeS+DUvKX2NS4bmAwiNt3QaCr0tXXjfHhaBgkoKSVO+s1w==",
    ),
    "SSHA512": Vector(
        "ldap_ssha512",
        "salted_digest",
        "{SSHA512}uXG33PHaTjMLz8NMMNbjU8UMwfK/hIG58Ja3G5m/OA566KPk3wnr7YUUTL30fn7C2blWfdFh8Kv/bDkC72gehPptuFXQX1Nl",
        "{SSHA512}0lDmoQAnks5R22ZeR+HoSOQccAhJmbQDJxHjdXDF2Jir6QS+iKx7Oo9vco+W2pPPtrWoMxRZ6o8OcIzQ02VAsUQpMN9U41wf",
    ),
    "SMD5": Vector(
        "ldap_smd5",
        "salted_digest",
        "{SMD5}uu01/D3gcDq1Tlr2zvYQc1SmLdD2nxm2",
        "{SMD5}ayR2tA6ueF4DvDg/ylssH9036s3c2vhd",
    ),
    # Django 5.2, MD5PasswordHasher
    "md5 of Django": Vector(
        "django_md5",
        "salted_digest",
        "md5$G3dzLY8L2TuS$a480ddd34e48b847d16e998bd990c3fb",
        "md5$zj4OwQSFnkmc$f2d7526017a2e9cd0358ed30f13232bb",
    ),
    # PHP: "sha1\$$salt\$" . hash("sha1", $salt . $P), as SHA1PasswordHasher did until Django 5.1
    "sha1 of Django": Vector(
        "django_sha1",
        "salted_digest",
        "sha1$63c122c0acb5$4c6982b599de2afc070c6d77c93b8872f22d8385",
        "sha1$27f2f3449a04$cf7a3b52898fc1160fcfaa89c013b00342e6af62",
    ),
    # MariaDB 10.11: select password('...')
    "MySQL 4.1": Vector(
        "mysql41",
        "mysql41",
        "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
        "*DE1B481D13E7F87E65B74E6003E65552CD8FA5FC",
    ),
    # printf %s "$P" | md5sum, sha1sum, sha256sum
    "md5": Vector(
        "unsalted_md5", "unsalted_digest", "5f4dcc3b5aa765d61d8327deb882cf99", "E26EA683E42DE1777FDA7943DFA8B1FD"
    ),
    "sha1": Vector(
        "unsalted_sha1",
        "unsalted_digest",
        "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
        "adee8be55638aee8029ccd546919ac929548f146",
    ),
    "sha256": Vector(
        "unsalted_sha256",
        "unsalted_digest",
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "7e12bc5f47692049a012e8d11422fa3a0add03762c49d75f67d4b0fb9512c7a6",
    ),
    # htpasswd -nbs u "$P", Apache 2.4
    "SHA of htpasswd": Vector(
        "unsalted_sha1",
        "unsalted_digest",
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "{SHA}re6L5VY4rugCnM1UaRmskpVI8UY=",
    ),
    # printf %s "$P" | openssl md5 -binary | base64
    "MD5 of LDAP": Vector(
        "unsalted_md5", "unsalted_digest", "{MD5}X03MO1qnZdYdgyfeuILPmQ==", "{MD5}4m6mg+Qt4Xd/2nlD36ix/Q=="
    ),
}

# Published by others, each with its password.
PUBLISHED = {
    # github.com/bwalding/ruby-drupal-hash, README.md
    "drupal7": ("password1234", "$S$DeIZ1KTE.VzRvudZ5.xgOakipuMFrVyPmRdWTjAdYieWj27NMglI"),
    # openwall.com/phpass, test.php
    "phpass": ("test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
    # akkadia.org/drepper/SHA-crypt.txt
    "sha512_crypt": (
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
}
