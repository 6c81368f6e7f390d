// SPDX-License-Identifier: MIT
#include "lab/journal/event.hpp"

namespace netlab::lab {

std::string_view name_of(verdict which) noexcept {
  switch (which) {
    case verdict::ok: return "ok";
    case verdict::wrong: return "wrong";
    case verdict::info: return "info";
  }
  return {};
}

}  // namespace netlab::lab
