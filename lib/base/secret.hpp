// SPDX-License-Identifier: MIT
// Text that is wiped from memory when it is no longer needed: passwords and what is made of them.
#pragma once

#include <openssl/crypto.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace netlab {

/// Overwrites it, whatever the optimizer thinks of that.
inline void wipe(std::string& text) noexcept {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}
inline void wipe(bytes& octets) noexcept {
  OPENSSL_cleanse(octets.data(), octets.size());
  octets.clear();
}

/// Moved or assigned over, it leaves nothing behind; there are no copies that nobody asked for.
class secret {
 public:
  secret() = default;
  /// Takes the text over.
  explicit secret(std::string&& text) : text_(text.begin(), text.end()) { netlab::wipe(text); }
  secret(secret&& other) noexcept = default;  // the octets stay where they are
  secret& operator=(secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
    }
    return *this;
  }
  ~secret() { wipe(); }

  [[nodiscard]] secret copy() const { return secret(std::string(view())); }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), text_.size()}; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

 private:
  void wipe() noexcept { OPENSSL_cleanse(text_.data(), text_.size()); }

  // Not a std::string: that keeps short texts in itself, so that moving one copies it.
  std::vector<char> text_;
};

}  // namespace netlab
