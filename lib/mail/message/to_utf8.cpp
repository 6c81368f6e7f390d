// SPDX-License-Identifier: MIT
#include "mail/message/to_utf8.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

constexpr std::string_view replacement_character = "\xef\xbf\xbd";  // U+FFFD

struct charset_name {
  std::string_view in_mail;  // in lower case, sorted
  const char* for_iconv;     // null: UTF-8
};

// iconv_open(3) looks for a module by the name that it is given; so a peer's name is never given to it, but only the
// names here. Latin-1 is read as Windows-1252, which has printable characters where Latin-1 has controls: senders
// label one as the other.
constexpr charset_name charset_names[] = {
    {"", nullptr},
    {"ascii", nullptr},
    {"big5", "BIG5"},
    {"euc-jp", "EUC-JP"},
    {"euc-kr", "EUC-KR"},
    {"gb18030", "GB18030"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"iso-8859-1", "CP1252"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-9", "CP1254"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"ks_c_5601-1987", "CP949"},
    {"latin1", "CP1252"},
    {"shift_jis", "SHIFT_JIS"},
    {"us-ascii", nullptr},
    {"utf-16", "UTF-16"},
    {"utf-16be", "UTF-16BE"},
    {"utf-16le", "UTF-16LE"},
    {"utf-8", nullptr},
    {"utf8", nullptr},
    {"windows-1250", "CP1250"},
    {"windows-1251", "CP1251"},
    {"windows-1252", "CP1252"},
    {"windows-1253", "CP1253"},
    {"windows-1254", "CP1254"},
    {"windows-1255", "CP1255"},
    {"windows-1256", "CP1256"},
    {"windows-1257", "CP1257"},
    {"windows-1258", "CP1258"},
};
static_assert(std::ranges::is_sorted(charset_names, {}, &charset_name::in_mail));

const charset_name* find_charset(std::string_view name) {
  const std::string lower = to_lower(name);
  const auto* found = std::ranges::lower_bound(charset_names, std::string_view(lower), {}, &charset_name::in_mail);
  return found != std::end(charset_names) && found->in_mail == lower ? found : nullptr;
}

std::string to_valid_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const utf8_sequence next = decode_utf8(text);
    valid += next.length == 0 ? replacement_character : text.substr(0, next.length);
    text.remove_prefix(std::max<std::size_t>(next.length, 1));
  }
  return valid;
}

class converter {
 public:
  explicit converter(const char* from) : handle_(::iconv_open("UTF-8", from)) {}
  ~converter() {
    if (is_open()) ::iconv_close(handle_);
  }
  converter(const converter&) = delete;
  converter& operator=(const converter&) = delete;

  [[nodiscard]] bool is_open() const noexcept {
    return handle_ != reinterpret_cast<iconv_t>(-1);  // NOLINT: the constant of iconv_open(3)
  }
  [[nodiscard]] std::string convert(std::string_view octets) {
    std::string text;
    std::array<char, 4096> piece;
    char* from = const_cast<char*>(octets.data());  // iconv(3) does not write to its input
    std::size_t left = octets.size();
    for (bool is_flushed = false; !is_flushed;) {
      char* to = piece.data();
      std::size_t room = piece.size();
      const bool is_last = left == 0;  // the state returns to the initial one, which may write octets
      const std::size_t done = ::iconv(handle_, is_last ? nullptr : &from, &left, &to, &room);
      const int why = done == static_cast<std::size_t>(-1) ? errno : 0;
      text.append(piece.data(), piece.size() - room);
      if (is_last && why != E2BIG) is_flushed = true;
      if (is_last || why == 0 || why == E2BIG) continue;
      text += replacement_character;  // EILSEQ, or EINVAL: the end of an unfinished character
      ++from;
      --left;
    }
    return text;
  }

 private:
  iconv_t handle_;
};

}  // namespace

std::string to_utf8(std::string_view octets, std::string_view charset) {
  const charset_name* found = find_charset(charset);
  if (found != nullptr && found->for_iconv != nullptr) {
    // A system may lack the module.
    if (converter from(found->for_iconv); from.is_open()) return from.convert(octets);
  }
  return to_valid_utf8(octets);
}

}  // namespace netlab::mail
