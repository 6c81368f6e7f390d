// SPDX-License-Identifier: MIT
// Instead of page.cpp in a build without the page.
#include "lab/io/page.hpp"

namespace netlab::lab {

bool has_page() noexcept { return false; }

std::unique_ptr<serve::handler> make_page(journal_loop&, page_parameters) { return nullptr; }

}  // namespace netlab::lab
