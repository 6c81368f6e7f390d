// SPDX-License-Identifier: MIT
// Text that is wiped from memory when it is no longer needed: passwords and values derived from them.
#pragma once

#include <openssl/crypto.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace netlab {

/// Overwrites the text; the optimizer cannot remove this.
inline void wipe(std::string& text) noexcept {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}
inline void wipe(bytes& octets) noexcept {
  OPENSSL_cleanse(octets.data(), octets.size());
  octets.clear();
}

/// Text that is wiped when it is destroyed or assigned to; moving it leaves no copy behind. Only copy() makes copies.
class secret {
 public:
  secret() = default;
  /// Moves the text here and wipes the original.
  explicit secret(std::string&& text) : text_(text.begin(), text.end()) { netlab::wipe(text); }
  secret(secret&& other) noexcept = default;  // moves the pointer, not the octets
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

  // Not a std::string, which stores short texts inside the object: moving one would leave a copy.
  std::vector<char> text_;
};

}  // namespace netlab
