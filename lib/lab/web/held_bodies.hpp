// SPDX-License-Identifier: MIT
// The large bodies that are being sent, with a bound: readers that do not read must not fill the memory.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace netlab::lab {

class held_bodies {
 public:
  /// `most_octets`: for the teacher's readers, and as many for all students together, so that no student can keep the
  /// teacher from the page.
  explicit held_bodies(std::size_t most_octets) : most_octets_(most_octets) {}

  /// Keeps the body until the reader to whom it is sent releases it. Equal bodies that the teacher's readers hold, or
  /// that students hold, count once. Null if the body would exceed the limit.
  [[nodiscard]] std::shared_ptr<const std::string> hold(std::string body, bool is_teacher);

 private:
  std::size_t most_octets_;
  // Both: first the students', then the teacher's. Bodies refer to the number of octets, and may outlive this object.
  std::shared_ptr<std::array<std::size_t, 2>> held_ = std::make_shared<std::array<std::size_t, 2>>();
  std::array<std::vector<std::weak_ptr<const std::string>>, 2> bodies_;
};

}  // namespace netlab::lab
