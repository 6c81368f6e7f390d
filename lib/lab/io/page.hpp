// SPDX-License-Identifier: MIT
// The page of the class at work, as a service.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lab/io/journal_loop.hpp"
#include "serve/service.hpp"

namespace netlab::lab {

struct page_parameters {
  std::string token;               ///< the teacher's
  std::vector<std::string> hosts;  ///< names of this machine
  std::string maildir;             ///< whose messages the page may show; empty: none
};

/// Many readers at once: a class, and a page left open here and there.
inline constexpr std::size_t most_page_clients = 2'000;

/// False if netlab was built without the page.
[[nodiscard]] bool has_page() noexcept;

/// The page's handler, which runs on the loop of the journal, and on no other; null without a page. The journal must
/// outlive it and its sessions.
[[nodiscard]] std::unique_ptr<serve::handler> make_page(journal_loop& on, page_parameters with);

}  // namespace netlab::lab
