// SPDX-License-Identifier: MIT
#include "lab/web/held_bodies.hpp"

#include <utility>

namespace netlab::lab {

std::shared_ptr<const std::string> held_bodies::hold(std::string body, bool is_teacher) {
  const std::size_t part = is_teacher ? 1 : 0;
  auto& bodies = bodies_[part];
  std::erase_if(bodies, [](const auto& each) { return each.expired(); });
  for (const auto& each : bodies)
    if (auto equal = each.lock(); equal && *equal == body) return equal;
  const std::size_t size = body.size();
  if ((*held_)[part] + size > most_octets_) return nullptr;
  auto owned = std::make_unique<const std::string>(std::move(body));
  (*held_)[part] += size;
  // If this throws, the deleter has been called.
  std::shared_ptr<const std::string> made(owned.release(), [held = held_, part, size](const std::string* which) {
    (*held)[part] -= size;
    delete which;
  });
  bodies.push_back(made);
  return made;
}

}  // namespace netlab::lab
