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

/// Enough for a class, and for pages that were left open.
inline constexpr std::size_t most_page_clients = 2'000;

/// False if netlab was built without the page.
[[nodiscard]] bool has_page() noexcept;

/// The page's handler, which must run only on the event loop of the journal. Null if netlab was built without the page.
/// The journal must outlive it and its sessions.
[[nodiscard]] std::unique_ptr<serve::handler> make_page(journal_loop& on, page_parameters with);

}  // namespace netlab::lab
