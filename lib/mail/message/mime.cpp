// SPDX-License-Identifier: MIT
#include "mail/message/mime.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/scan.hpp"
#include "base/text.hpp"
#include "mail/message/header.hpp"

namespace netlab::mail {
namespace {

struct media_type {
  std::string_view extension;
  std::string_view type;
};

// Sorted by extension. IANA's registered types (https://www.iana.org/assignments/media-types/) for the extensions
// that their registrations name, or the usual x- types. message/rfc822 is missing: it must not be in Base64 (RFC 2046
// §5.2.1).
constexpr media_type types[] = {
    {"7z", "application/x-7z-compressed"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ics", "text/calendar"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"md", "text/markdown"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"ogg", "audio/ogg"},
    {"p7s", "application/pkcs7-signature"},
    {"pcap", "application/vnd.tcpdump.pcap"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"ps", "application/postscript"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"txt", "text/plain"},
    {"vcf", "text/vcard"},
    {"wasm", "application/wasm"},
    {"wav", "audio/vnd.wave"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};
static_assert(std::ranges::is_sorted(types, {}, &media_type::extension));

// Flags for octets that are not plain text.
constexpr unsigned char is_control = 1;  // NUL and other controls that text does not use
constexpr unsigned char is_above_ascii = 2;

constexpr std::array<unsigned char, 256> make_kinds() {
  std::array<unsigned char, 256> kinds{};
  for (std::size_t octet = 0; octet < 0x20; ++octet) kinds[octet] = is_control;
  for (const char c : {'\t', '\n', '\r', '\f'}) kinds[static_cast<unsigned char>(c)] = 0;
  kinds[0x7f] = is_control;
  for (std::size_t octet = 0x80; octet < 0x100; ++octet) kinds[octet] = is_above_ascii;
  return kinds;
}
constexpr auto kinds = make_kinds();

unsigned char kinds_in(std::string_view text) noexcept {
  unsigned char found = 0;
  const auto is_other = [](auto octet) { return (octet < 0x20) | (octet >= 0x7f); };
  while (!text.empty()) {
    text.remove_prefix(length_before(text, is_other));
    // Such octets often come in groups, so look at the next one, too.
    const std::string_view near = text.substr(0, 2);
    for (const char c : near) found |= kinds[static_cast<unsigned char>(c)];
    text.remove_prefix(near.size());
  }
  return found;
}

bool lines_fit(std::string_view text) noexcept {
  while (text.size() > max_line) {
    // The last line end within max_line octets, its CR and LF not counted.
    const std::size_t end = text.substr(0, max_line + 2).rfind('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::string_view name_of(transfer_encoding encoding) noexcept {
  switch (encoding) {
    case transfer_encoding::seven_bit: return "7bit";
    case transfer_encoding::eight_bit: return "8bit";
    case transfer_encoding::quoted_printable: return "quoted-printable";
    case transfer_encoding::base64: return "base64";
    case transfer_encoding::binary: return "binary";
  }
  return "";
}

std::string to_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16 + 2);
  for (std::size_t at = 0; at < text.size();) {
    const char* const from = text.data() + at;
    const std::size_t left = text.size() - at;
    const void* const lf = std::memchr(from, '\n', left);
    const std::size_t line = lf == nullptr ? left : static_cast<std::size_t>(static_cast<const char*>(lf) - from);
    const void* const cr = std::memchr(from, '\r', line);
    const std::size_t end = cr == nullptr ? line : static_cast<std::size_t>(static_cast<const char*>(cr) - from);
    out.append(from, end);
    out += "\r\n";
    at += end + (end + 1 < left && from[end] == '\r' && from[end + 1] == '\n' ? 2 : 1);
  }
  return out;
}

transfer_encoding encoding_for(std::string_view text, bool eight_bit_mime) {
  const unsigned char found = kinds_in(text);
  if ((found & is_control) == 0 && lines_fit(text)) {
    if (found == 0) return transfer_encoding::seven_bit;
    if (eight_bit_mime) return transfer_encoding::eight_bit;
  }
  // Base64 adds a third; quoted-printable adds two octets for each octet that it encodes.
  const auto above_ascii = std::ranges::count_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return static_cast<std::size_t>(above_ascii) > text.size() / 6 ? transfer_encoding::base64
                                                                 : transfer_encoding::quoted_printable;
}

std::size_t encode_base64_lines(std::string_view octets, std::span<char> to) {
  char* at = to.data();
  while (!octets.empty()) {
    const std::string_view line = octets.substr(0, octets_a_line);
    // OpenSSL appends a NUL, where the CR is written next.
    at += EVP_EncodeBlock(reinterpret_cast<unsigned char*>(at), reinterpret_cast<const unsigned char*>(line.data()),
                          static_cast<int>(line.size()));
    *at++ = '\r';
    *at++ = '\n';
    octets.remove_prefix(line.size());
  }
  return static_cast<std::size_t>(at - to.data());
}

std::string_view type_of(std::string_view file_name) noexcept {
  constexpr std::string_view unknown = "application/octet-stream";
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos || file_name.size() - dot > 8) return unknown;
  const std::string extension = to_lower(file_name.substr(dot + 1));
  const auto* const found = std::ranges::lower_bound(types, std::string_view(extension), {}, &media_type::extension);
  return found != std::end(types) && found->extension == extension ? found->type : unknown;
}

bool is_media_type(std::string_view type) noexcept {
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == type.size()) return false;
  return std::ranges::count(type, '/') == 1 && std::ranges::all_of(type, [](char c) {
           return c > 0x20 && c < 0x7f && !std::string_view("()<>@,;:\\\"[]?=").contains(c);
         });
}

}  // namespace netlab::mail
