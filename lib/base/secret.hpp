// SPDX-License-Identifier: MIT
// Text that is wiped from memory when it is no longer needed: passwords and what is made of them.
#pragma once

#include <openssl/crypto.h>

#include <string>
#include <string_view>
#include <utility>

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
  explicit secret(std::string&& text) : text_(text) { wipe(text); }
  secret(secret&& other) noexcept : text_(other.text_) { wipe(other.text_); }
  secret& operator=(secret&& other) noexcept {
    if (this != &other) {
      wipe(text_);
      text_ = other.text_;
      wipe(other.text_);
    }
    return *this;
  }
  ~secret() { wipe(text_); }

  [[nodiscard]] secret copy() const { return secret(std::string(text_)); }
  [[nodiscard]] std::string_view view() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace netlab
