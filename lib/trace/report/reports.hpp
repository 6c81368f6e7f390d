// SPDX-License-Identifier: MIT
// The forms in which a trace is told. Each writes to a sink, in whole lines or blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "trace/timeline.hpp"

namespace netlab::trace {

using report_sink = std::function<void(std::string_view)>;

struct text_options {
  bool details = false;  ///< also calls that neither wait nor cause packets, such as setsockopt
};

/// Two columns: what the programs call, and the packets between them.
[[nodiscard]] std::unique_ptr<report> make_text_report(text_options options, report_sink sink);

/// A ladder diagram, as one HTML file with all that it needs; `title` stands above it. Written at the end.
[[nodiscard]] std::unique_ptr<report> make_ladder_report(std::string title, report_sink sink);

/// An object a line: processes, calls, packets, and at the end a summary.
[[nodiscard]] std::unique_ptr<report> make_json_report(report_sink sink);

}  // namespace netlab::trace
