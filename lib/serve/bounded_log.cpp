// SPDX-License-Identifier: MIT
#include "serve/bounded_log.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::serve {

bounded_log::bounded_log(line_function write, double lines_per_second, double burst, std::string prefix)
    : write_(std::move(write)),
      prefix_(std::move(prefix)),
      silence_(std::chrono::duration_cast<duration>(std::chrono::duration<double>(1 / lines_per_second))),
      rate_(lines_per_second, burst, clock::now()) {}

void bounded_log::tell_all(const std::string& line) {
  const std::lock_guard lock(mutex_);
  write_(line);
}

void bounded_log::finish() {
  const std::lock_guard lock(mutex_);
  write_unshown();
}

void bounded_log::write_unshown() {
  if (const std::uint64_t count = unshown_.exchange(0, std::memory_order_relaxed); count > 0)
    write_(fmt::format("{}({} not shown)", prefix_, count_of(count, "line")));
}

}  // namespace netlab::serve
