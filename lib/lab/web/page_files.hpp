// SPDX-License-Identifier: MIT
// The files of the page, compiled in.
#pragma once

#include <span>
#include <string_view>

namespace netlab::lab {

struct page_file {
  std::string_view name;  ///< `page.css`
  std::string_view type;  ///< `text/css; charset=utf-8`
  std::string_view etag;  ///< with its quotes; it changes whenever the file changes
  std::string_view body;
};

/// All of them, sorted by name.
[[nodiscard]] std::span<const page_file> page_files() noexcept;

}  // namespace netlab::lab
