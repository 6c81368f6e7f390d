# SPDX-License-Identifier: MIT
"""compile_in.py OUTPUT FILE...: writes a C++ source with the page's files as constants, for page_files.hpp."""
import hashlib
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
PIECE = 8000  # octets of one string literal; compilers have to accept 65536


def literal(octets):
    """String literals, one a line. Octal escapes, as they end after three digits."""
    for at in range(0, len(octets), PIECE):
        yield '"' + "".join(chr(each) if 32 <= each < 127 and each not in b'"\\?' else f"\\{each:03o}"
                            for each in octets[at:at + PIECE]) + '"'


def main(output, *files):
    entries = []
    for name in sorted(files, key=os.path.basename):
        with open(name, "rb") as opened:
            octets = opened.read()
        etag = '\\"' + hashlib.sha256(octets).hexdigest()[:16] + '\\"'
        base = os.path.basename(name)
        body = "\n    ".join(literal(octets)) or '""'
        entries.append(f'  {{"{base}", "{TYPES[os.path.splitext(base)[1]]}", "{etag}",\n   std::string_view(\n    {body},\n    {len(octets)})}},')
    with open(output, "w", encoding="ascii") as opened:
        opened.write('#include "lab/web/page_files.hpp"\n\n#include <array>\n\nnamespace netlab::lab {\nnamespace {\n\n')
        opened.write(f"constexpr std::array<page_file, {len(entries)}> compiled_in{{{{\n" + "\n".join(entries) + "\n}};\n\n}  // namespace\n\n")
        opened.write("std::span<const page_file> page_files() noexcept { return compiled_in; }\n\n}  // namespace netlab::lab\n")


main(*sys.argv[1:])
