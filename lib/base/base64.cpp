// SPDX-License-Identifier: MIT
#include "base/base64.hpp"

#include <algorithm>

#include <openssl/evp.h>

namespace netlab {
namespace {

// EVP_EncodeBlock takes the size as an int; pieces of this size (a multiple of 3 and of 4) stay far below its limit.
constexpr std::size_t piece = 3 * 4 * 1024 * 1024;

}  // namespace

std::string encode_base64(bytes_view octets) {
  std::string text;
  text.resize((octets.size() + 2) / 3 * 4 + 1);  // EVP_EncodeBlock appends a NUL
  std::size_t written = 0;
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    const bytes_view part = octets.subspan(at, std::min(piece, octets.size() - at));
    written += static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data() + written),
                                                        reinterpret_cast<const unsigned char*>(part.data()),
                                                        static_cast<int>(part.size())));
  }
  text.resize(written);
  return text;
}

std::string encode_base64url(bytes_view octets) {
  std::string text = encode_base64(octets);
  text.resize((octets.size() * 4 + 2) / 3);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

result<bytes> decode_base64(std::string_view text) {
  std::string packed;
  packed.reserve(text.size());
  for (const char c : text)
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') packed += c;
  if (packed.size() % 4 != 0) return fail(errc::bad_data, "not Base64: its length is not a multiple of 4");
  const std::size_t padding = packed.ends_with("==") ? 2 : packed.ends_with('=') ? 1 : 0;
  if (packed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") <
      packed.size() - padding)
    return fail(errc::bad_data, "not Base64: a character outside its alphabet");
  bytes octets(packed.size() / 4 * 3);
  std::size_t written = 0;
  for (std::size_t at = 0; at < packed.size(); at += piece) {
    const std::size_t length = std::min(piece, packed.size() - at);
    const int decoded =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(octets.data() + written),
                        reinterpret_cast<const unsigned char*>(packed.data() + at), static_cast<int>(length));
    if (decoded < 0) return fail(errc::bad_data, "not Base64");
    written += static_cast<std::size_t>(decoded);
  }
  octets.resize(written - padding);
  if (encode_base64(octets) != packed)  // RFC 4648 §3.5: a second spelling of a value can hide data
    return fail(errc::bad_data, "not Base64: its last bits are not 0");
  return octets;
}

}  // namespace netlab
