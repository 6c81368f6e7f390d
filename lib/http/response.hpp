// SPDX-License-Identifier: MIT
// HTTP responses: status, fields and a body, or a stream without end.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/request.hpp"

namespace netlab::http {

struct response {
  unsigned status = 200;
  std::string type;                ///< Content-Type; empty: none
  std::vector<name_value> fields;  ///< further fields, without line ends
  std::string body;
  std::shared_ptr<const std::string> shared_body;  ///< instead of `body`: sent in pieces, without a copy
  bool is_stream = false;  ///< the body follows piece by piece, until the connection ends

  [[nodiscard]] std::string_view content() const noexcept {
    return shared_body ? std::string_view(*shared_body) : std::string_view(body);
  }
};

/// `Not Found`
[[nodiscard]] std::string_view phrase_of(unsigned status) noexcept;

/// Status line and fields. `keeps_alive`: the connection stays open afterwards.
[[nodiscard]] std::string head_of(const response& answer, bool keeps_alive);

}  // namespace netlab::http
