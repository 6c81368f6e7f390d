# SPDX-License-Identifier: MIT
"""Dovecot's configuration for any user with the password `secret`; 2.4 (Debian 13) has other option names than 2.3."""

_COMMON = """
protocols = {protocols}
listen = 127.0.0.1
base_dir = {place}/run
state_dir = {place}/state
log_path = /dev/stderr
ssl = {ssl}
auth_mechanisms = plain login
first_valid_uid = 1
"""

_OLD = """
ssl_cert = <{place}/good.pem
ssl_key = <{place}/good.key
mail_location = maildir:{home}/Maildir
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={home}
}}
"""

_NEW = """
ssl_server_cert_file = {place}/good.pem
ssl_server_key_file = {place}/good.key
mail_driver = maildir
mail_path = {home}/Maildir
passdb static {{
  password = secret
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {uid}
    home = {home}
  }}
}}
"""


def configuration(version, place, services, protocols="", uid=891, home="/nonexistent"):
    """`version`: the output of `dovecot --version`; `services`: the same in both versions. Without protocols, TLS is
    off."""
    is_new = tuple(int(part) for part in version.split(".")[:2]) >= (2, 4)
    first = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0" if is_new else ""
    return first + (_COMMON + (_NEW if is_new else _OLD)).format(
        place=place, protocols=protocols, uid=uid, home=home, ssl="yes" if protocols else "no") + services
